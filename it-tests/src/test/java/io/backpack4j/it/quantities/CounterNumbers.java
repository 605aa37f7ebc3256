// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.spi.tensor.Shape;
import java.nio.charset.StandardCharsets;

/** Numbers by a formula of their place: "Numbers without files" in {@code docs/guide/from-pytorch.md}. */
final class CounterNumbers {

    private CounterNumbers() {}

    /** Numbers from -1 to 1. */
    static double[] uniform(String name, int count) {
        long hash = 0xCBF29CE484222325L;
        for (byte one : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ Byte.toUnsignedLong(one)) * 0x100000001B3L;
        }
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (mixed(hash + 0x9E3779B97F4A7C15L * (i + 1L)) >>> 11) * 0x1.0p-52 - 1;
        }
        return numbers;
    }

    /** Integers from 0 to below {@code bound}. */
    static long[] integers(String name, int count, long bound) {
        double[] numbers = uniform(name, count);
        long[] integers = new long[count];
        for (int i = 0; i < count; i++) {
            integers[i] = (long) Math.floor((numbers[i] + 1) / 2 * bound);
        }
        return integers;
    }

    /**
     * The numbers of a parameter or a buffer, by its kind: around 1 for what scales, small for what shifts, He's
     * variance for the rest.
     */
    static double[] tensor(String name, Shape shape) {
        String kind = name.substring(name.lastIndexOf('.') + 1);
        double[] numbers = uniform(name, (int) shape.elements());
        boolean scales = kind.equals("running_var") || (kind.equals("weight") && shape.rank() == 1);
        for (int i = 0; i < numbers.length; i++) {
            if (scales) {
                numbers[i] = 1 + numbers[i] / 4;
            } else if (shape.rank() < 2) {
                numbers[i] /= 10;
            } else {
                numbers[i] *= Math.sqrt(6.0 / shape.elements(1, shape.rank()));
            }
        }
        return numbers;
    }

    private static long mixed(long z) {
        long once = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long twice = (once ^ (once >>> 27)) * 0x94D049BB133111EBL;
        return twice ^ (twice >>> 31);
    }
}
