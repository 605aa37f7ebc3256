// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.Bins;

/**
 * Bins of single numbers by their {@linkplain #order order}, in which whole numbers are compared many at a time.
 * Between the smallest and the largest of some numbers there are often few edges, however many bins there are: then
 * each of these edges takes one look at every number, and the others none.
 */
final class OrderedBins {

    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
    private static final int MAGNITUDE = 0x7FFFFFFF;
    /** The order of −∞. */
    private static final int MINUS_INFINITY = order(INFINITY | ~MAGNITUDE);

    /** Up to so many edges, looking for each of them is cheaper than finding the bin of every number. */
    static final int FEW = 12;

    private final Bins bins;
    /** The order of the least number that is in a bin, or above it; in that of the first it is −∞. */
    private final int[] least;

    OrderedBins(Bins bins) {
        this.bins = bins;
        this.least = new int[bins.count()];
        least[0] = MINUS_INFINITY;
        for (int bin = 1; bin < least.length; bin++) {
            least[bin] = order(Float.floatToRawIntBits(leastNumber(bins.edge(bin))));
        }
    }

    /** The bin of a number. */
    int of(float number) {
        return bins.of(number);
    }

    /** The order of the least number of a bin. */
    int least(int bin) {
        return least[bin];
    }

    /**
     * The bits of the greatest magnitude with which numbers of either sign are in some neighbouring bins, zero being in
     * one of them.
     */
    int magnitudeWithin(int first, int last) {
        int greatest = last + 1 < least.length ? Math.min(least[last + 1] - 1, INFINITY) : INFINITY;
        return Math.min(magnitude(least[first]), greatest);
    }

    private static int magnitude(int order) {
        return order ^ (order >> 31);
    }

    /** The least single number that is not below an edge, −0 for 0. */
    private static float leastNumber(double edge) {
        float nearest = (float) edge;
        float least = nearest < edge ? Math.nextUp(nearest) : nearest;
        return least == 0 ? -0.0f : least;
    }

    /** Turns the bits of negative numbers around, so that whole numbers are ordered as the numbers are. */
    static int order(int bits) {
        return bits ^ ((bits >> 31) & MAGNITUDE);
    }

    private static float number(int order) {
        return Float.intBitsToFloat(order(order));
    }

    /** Replaces bits by orders. */
    static void order(int[] bits, int count) {
        for (int i = 0; i < count; i++) {
            bits[i] = order(bits[i]);
        }
    }

    /** Adds to the counts of bins, the last being that of NaN. Near edges learn which bins are in use. */
    void count(int[] orders, int count, long[] counts, NearEdges near) {
        int smallest = ExtremeLoops.minimum(orders, count);
        int largest = ExtremeLoops.maximum(orders, count);
        int first = bins.of(number(smallest));
        int last = bins.of(number(largest));
        if (hasNaN(smallest, largest) || last - first > FEW) {
            for (int i = 0; i < count; i++) {
                counts[bins.of(number(orders[i]))]++;
            }
            return;
        }
        near.widen(first, last);
        int before = 0;
        for (int bin = first; bin < last; bin++) {
            int below = below(orders, count, least[bin + 1]);
            counts[bin] += below - before;
            before = below;
        }
        counts[last] += count - before;
    }

    /** Writes every number's bin times a stride. */
    void find(int[] orders, int count, int stride, int[] places) {
        int smallest = ExtremeLoops.minimum(orders, count);
        int largest = ExtremeLoops.maximum(orders, count);
        int first = bins.of(number(smallest));
        int last = bins.of(number(largest));
        if (hasNaN(smallest, largest) || last - first > FEW) {
            for (int i = 0; i < count; i++) {
                places[i] = bins.of(number(orders[i])) * stride;
            }
            return;
        }
        fill(places, count, last * stride);
        for (int bin = first; bin < last; bin++) {
            subtractBelow(orders, count, least[bin + 1], stride, places);
        }
    }

    /** NaN is outside the infinities, on the side of its sign. */
    private static boolean hasNaN(int smallest, int largest) {
        return largest > INFINITY || smallest < MINUS_INFINITY;
    }

    private static void fill(int[] places, int count, int value) {
        for (int i = 0; i < count; i++) {
            places[i] = value;
        }
    }

    private static void subtractBelow(int[] orders, int count, int limit, int stride, int[] places) {
        for (int i = 0; i < count; i++) {
            places[i] -= (difference(orders[i], limit) >> 31) & stride;
        }
    }

    /** Adds one to the count of every place whose number is below a limit. */
    static void countBelow(int[] orders, int limit, int[] counts, int places) {
        for (int i = 0; i < places; i++) {
            counts[i] += difference(orders[i], limit) >>> 31;
        }
    }

    /** Makes the mark of every place negative whose number has a magnitude above a limit, or is NaN. */
    static void markAbove(int[] orders, int limit, int[] marks, int places) {
        for (int i = 0; i < places; i++) {
            marks[i] |= limit - magnitude(orders[i]);
        }
    }

    /** Adds one to the count of every place whose number is not below a limit. */
    static void countNotBelow(int[] orders, int limit, int[] counts) {
        for (int i = 0; i < counts.length; i++) {
            counts[i] += ~difference(orders[i], limit) >>> 31;
        }
    }

    private static int below(int[] orders, int count, int limit) {
        int below = 0;
        for (int i = 0; i < count; i++) {
            below += difference(orders[i], limit) >>> 31;
        }
        return below;
    }

    /**
     * Negative if one whole number is below another: their difference where signs are equal, which cannot overflow, and
     * the first's sign where they are not (H. Warren, "Hacker's Delight", 2-12).
     */
    private static int difference(int one, int other) {
        return (one & ~other) | (~(one ^ other) & (one - other));
    }
}
