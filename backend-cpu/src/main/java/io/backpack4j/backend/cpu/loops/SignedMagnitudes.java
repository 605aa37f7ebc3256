// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import java.util.Arrays;

/**
 * A vector of single numbers, and the magnitudes of some of its elements by sign, zeros having neither. Magnitudes are
 * bits without sign, which are ordered as the numbers are and compared many at a time.
 */
final class SignedMagnitudes {

    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
    private static final int MAGNITUDE = 0x7FFFFFFF;

    /** How many elements are looked at together before some of them are selected. */
    private static final int RUN = 32;

    /** Selections are wider than rounding could make them matter. */
    private static final double SLACK = 1 - 1e-6;

    private int[] bits = {};
    private int[] above = {};
    private int[] below = {};
    private int length;
    private int largest;
    private int least;
    private int positives;
    private int negatives;
    private int selectedAbove;
    private int selectedBelow;

    /** Makes room for vectors of a length. */
    SignedMagnitudes of(int elements) {
        length = elements;
        if (bits.length < elements) {
            bits = new int[elements];
            // What is not selected is written behind those that are.
            above = new int[elements + 1];
            below = new int[elements + 1];
        }
        return this;
    }

    /** Reads one of several vectors. */
    void load(CpuTensor vectors, long index) {
        vectors.block.get(vectors.at(index * length), bits, 0, length);
        largest = largest(bits, length);
        least = least(bits, length);
        int zeros = zeros(bits, length);
        negatives = negatives(bits, length);
        positives = length - zeros - negatives;
    }

    int length() {
        return length;
    }

    float value(int index) {
        return Float.intBitsToFloat(bits[index]);
    }

    /** Writes the products of {@code count} elements with a factor, from a place on. */
    void multiply(float factor, int from, int count, float[] products, int place) {
        for (int i = 0; i < count; i++) {
            products[place + i] = factor * Float.intBitsToFloat(bits[from + i]);
        }
    }

    boolean isFinite() {
        return largest < INFINITY;
    }

    /** The largest magnitude; 0 without elements. */
    float largest() {
        return Float.intBitsToFloat(largest);
    }

    /** The least magnitude that is not 0; 0 if all are. */
    float least() {
        return Float.intBitsToFloat(least);
    }

    /** How many pairs of elements have equal signs, or different ones. */
    long pairs(SignedMagnitudes other, boolean equalSigns) {
        return equalSigns
                ? (long) positives * other.positives + (long) negatives * other.negatives
                : (long) positives * other.negatives + (long) negatives * other.positives;
    }

    /** Selects what may reach a limit if it is multiplied by a factor; returns how many. */
    int select(float limit, float factor) {
        double needed = limit < Float.MIN_NORMAL ? 0 : Math.min(limit, Float.MAX_VALUE) / (double) factor * SLACK;
        float rounded = (float) needed;
        int from = Float.floatToRawIntBits(rounded > needed ? Math.nextDown(rounded) : rounded);
        int before = Math.max(0, from - 1);
        int positive = 0;
        int negative = 0;
        for (int first = 0; first < length; first += RUN) {
            int last = Math.min(length, first + RUN);
            if (isNoneAbove(bits, first, last, before)) {
                continue;
            }
            for (int i = first; i < last; i++) {
                int magnitude = bits[i] & MAGNITUDE;
                int selected = (before - magnitude) >>> 31;
                int sign = bits[i] >>> 31;
                above[positive] = magnitude;
                below[negative] = magnitude;
                positive += selected & ~sign;
                negative += selected & sign;
            }
        }
        selectedAbove = positive;
        selectedBelow = negative;
        return positive + negative;
    }

    /** Many at a time: mostly none is, and then writing them one by one is saved. */
    private static boolean isNoneAbove(int[] bits, int from, int to, int before) {
        int differences = 0;
        for (int i = from; i < to; i++) {
            differences |= before - (bits[i] & MAGNITUDE);
        }
        return differences >= 0;
    }

    void sort() {
        Arrays.sort(above, 0, selectedAbove);
        Arrays.sort(below, 0, selectedBelow);
    }

    /** How many products of selected and sorted elements have equal signs, or different ones, and reach a limit. */
    long reaching(SignedMagnitudes other, boolean equalSigns, float limit) {
        return equalSigns
                ? walk(above, selectedAbove, other.above, other.selectedAbove, limit)
                        + walk(below, selectedBelow, other.below, other.selectedBelow, limit)
                : walk(above, selectedAbove, other.below, other.selectedBelow, limit)
                        + walk(below, selectedBelow, other.above, other.selectedAbove, limit);
    }

    /** From the largest of one down: the less it is, the larger the other must be. */
    private static long walk(int[] one, int ones, int[] other, int others, float limit) {
        if (ones == 0 || others == 0) {
            return 0;
        }
        int first = first(Float.intBitsToFloat(one[ones - 1]), other, others, limit);
        long count = 0;
        for (int i = ones - 1; i >= 0; i--) {
            float factor = Float.intBitsToFloat(one[i]);
            while (first < others && factor * Float.intBitsToFloat(other[first]) < limit) {
                first++;
            }
            if (first == others) {
                break;
            }
            count += others - first;
        }
        return count;
    }

    /** The first that reaches a limit with a factor. */
    private static int first(float factor, int[] sorted, int count, float limit) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (factor * Float.intBitsToFloat(sorted[middle]) < limit) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static int largest(int[] bits, int length) {
        int largest = 0;
        for (int i = 0; i < length; i++) {
            int magnitude = bits[i] & MAGNITUDE;
            largest = magnitude > largest ? magnitude : largest;
        }
        return largest;
    }

    /** One less than zero is the largest of whole numbers without sign. */
    private static int least(int[] bits, int length) {
        int least = MAGNITUDE;
        for (int i = 0; i < length; i++) {
            int oneLess = ((bits[i] & MAGNITUDE) - 1) & MAGNITUDE;
            least = oneLess < least ? oneLess : least;
        }
        return least == MAGNITUDE ? 0 : least + 1;
    }

    private static int zeros(int[] bits, int length) {
        int zeros = 0;
        for (int i = 0; i < length; i++) {
            zeros += ((bits[i] & MAGNITUDE) - 1) >>> 31;
        }
        return zeros;
    }

    private static int negatives(int[] bits, int length) {
        int negatives = 0;
        for (int i = 0; i < length; i++) {
            negatives += (bits[i] >>> 31) & ~(((bits[i] & MAGNITUDE) - 1) >>> 31);
        }
        return negatives;
    }
}
