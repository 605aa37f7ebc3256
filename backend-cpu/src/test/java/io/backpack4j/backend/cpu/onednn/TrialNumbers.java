// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.Arrays;
import java.util.Random;

/** Random sizes and numbers of trials, and arithmetic on strided memory by plain loops. */
final class TrialNumbers {

    private static final int[] ODD = {1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65};

    private TrialNumbers() {}

    /** A size that kernels like or do not, of at most {@code most}. */
    static int size(Random random, int most) {
        for (; ; ) {
            int size = random.nextInt(6) == 0 ? 1 + random.nextInt(most) : ODD[random.nextInt(ODD.length)];
            if (size <= most) {
                return size;
            }
        }
    }

    @SafeVarargs
    static <T> T one(Random random, T... of) {
        return of[random.nextInt(of.length)];
    }

    /** Numbers between -1 and 1. */
    static float[] numbers(Random random, long count) {
        float[] numbers = new float[(int) count];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = random.nextFloat() * 2 - 1;
        }
        return numbers;
    }

    /** The numbers cut off to those of bfloat16. */
    static float[] cut(float[] numbers) {
        float[] result = numbers.clone();
        for (int i = 0; i < result.length; i++) {
            result[i] = Float.isNaN(result[i])
                    ? result[i]
                    : Float.intBitsToFloat(Float.floatToRawIntBits(result[i]) & 0xFFFF0000);
        }
        return result;
    }

    static double[] filled(long count, double value) {
        double[] numbers = new double[(int) count];
        Arrays.fill(numbers, value);
        return numbers;
    }

    /** How many elements a layout spans, gaps included. */
    static int span(Layout layout) {
        long last = 0;
        for (int axis = 0; axis < layout.sizes().length; axis++) {
            last += (layout.sizes()[axis] - 1) * layout.strides()[axis];
        }
        return (int) last + 1;
    }

    static int count(Layout layout) {
        long count = 1;
        for (long size : layout.sizes()) {
            count *= size;
        }
        return (int) count;
    }

    /** The place of the i-th element, in row-major order of the layout's axes. */
    static int place(Layout layout, long i) {
        long place = 0;
        for (int axis = layout.sizes().length - 1; axis >= 0; axis--) {
            place += i % layout.sizes()[axis] * layout.strides()[axis];
            i /= layout.sizes()[axis];
        }
        return (int) place;
    }

    /** Numbers where the layout has elements, NaN in its gaps. */
    static float[] spread(Random random, Layout layout) {
        float[] result = new float[span(layout)];
        Arrays.fill(result, Float.NaN);
        float[] numbers = numbers(random, count(layout));
        for (int i = 0; i < numbers.length; i++) {
            result[place(layout, i)] = numbers[i];
        }
        return result;
    }
}
