// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sizes along spatial axes, as kernels take them. */
final class WindowArguments {

    private WindowArguments() {}

    /**
     * Appends sizes per axis.
     *
     * @param in spatial sizes before
     * @param out spatial sizes behind
     * @param window the window, or null for windows of different sizes
     */
    static Arguments append(Arguments arguments, Shape in, Shape out, @Nullable Window window) {
        int axes = in.rank();
        if (axes > StridedLoop.MAX_RANK) {
            throw new BackpackException(
                    CudaProblems.TOO_MANY_AXES,
                    "The CUDA backend slides windows over up to %d axes, not %d."
                            .formatted(StridedLoop.MAX_RANK, axes));
        }
        arguments.numbers(in.toArray(), StridedLoop.MAX_RANK).numbers(out.toArray(), StridedLoop.MAX_RANK);
        for (List<Long> sizes : window == null
                ? List.of(List.<Long>of(), List.<Long>of(), List.<Long>of(), List.<Long>of())
                : List.of(window.kernel(), window.stride(), window.padding(), window.dilation())) {
            arguments.numbers(longs(sizes), StridedLoop.MAX_RANK);
        }
        return arguments;
    }

    static long[] longs(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).toArray();
    }
}
