// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The fields of a kernel's structure in their order, eight bytes each: pointers, 64-bit integers and doubles. */
final class Arguments {

    private long[] words = new long[8];
    private int count;

    /** Address of a tensor's elements. */
    Arguments tensor(CudaTensor tensor) {
        return number(tensor.address());
    }

    /** Address of a tensor's elements, or null. */
    Arguments optional(@Nullable CudaTensor tensor) {
        return number(tensor == null ? 0 : tensor.address());
    }

    Arguments number(long value) {
        if (count == words.length) {
            words = Arrays.copyOf(words, 2 * count);
        }
        words[count++] = value;
        return this;
    }

    Arguments real(double value) {
        return number(Double.doubleToRawLongBits(value));
    }

    /** An array of {@code length} integers, the rest being zero. */
    Arguments numbers(long[] values, int length) {
        for (int i = 0; i < length; i++) {
            number(i < values.length ? values[i] : 0);
        }
        return this;
    }

    long[] words() {
        return Arrays.copyOf(words, count);
    }
}
