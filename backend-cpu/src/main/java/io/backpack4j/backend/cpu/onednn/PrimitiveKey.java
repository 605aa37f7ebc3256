// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.Arrays;

/**
 * Key that tells one primitive from another: a kind and numbers. Reused for every look-up; only keys that enter a map
 * are copied.
 */
final class PrimitiveKey {

    private long[] numbers = new long[48];
    private int length;

    PrimitiveKey start(DnnlKind kind) {
        length = 0;
        return add(kind.ordinal());
    }

    PrimitiveKey add(long number) {
        if (length == numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * length);
        }
        numbers[length++] = number;
        return this;
    }

    PrimitiveKey add(double number) {
        return add(Double.doubleToRawLongBits(number));
    }

    /** Adds the length, too, so that neighbouring lists cannot be confused. */
    PrimitiveKey add(long[] list) {
        add((long) list.length);
        for (long number : list) {
            add(number);
        }
        return this;
    }

    PrimitiveKey copy() {
        var copy = new PrimitiveKey();
        copy.numbers = Arrays.copyOf(numbers, length);
        copy.length = length;
        return copy;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PrimitiveKey key && Arrays.equals(numbers, 0, length, key.numbers, 0, key.length);
    }

    @Override
    public int hashCode() {
        long hash = length;
        for (int i = 0; i < length; i++) {
            hash = hash * 0x9E3779B97F4A7C15L + numbers[i];
            hash ^= hash >>> 29;
        }
        return Long.hashCode(hash);
    }
}
