// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Scratch;
import java.util.Arrays;

/**
 * Counts numbers in the few neighbouring bins in which most runs of numbers lie: those next to zero at first. Every
 * place of a chunk has counts of its own, and a mark of whether a number was as large as those outside these bins:
 * loops without reductions, which take several numbers at a time. A run with such a number counts as nothing.
 */
final class NearEdges {

    private final OrderedBins bins;
    /** One for each edge between the bins, and by place how many numbers were below it. */
    private final int[][] below = new int[OrderedBins.FEW][];

    private final int[] outside = new int[Scratch.CHUNK];
    private int first;
    private int last;
    private int places;
    private long numbers;

    NearEdges(OrderedBins bins) {
        this.bins = bins;
        first = bins.of(-Float.MIN_VALUE);
        int above = bins.of(Float.MIN_VALUE);
        last = above - first <= OrderedBins.FEW ? above : first;
    }

    /** Looks at these bins, too, from the next run on, unless they were too many then. */
    void widen(int smallest, int largest) {
        int from = Math.min(first, smallest);
        int to = Math.max(last, largest);
        if (to - from <= OrderedBins.FEW) {
            first = from;
            last = to;
        }
    }

    /** Begins a run of numbers. */
    void begin() {
        Arrays.fill(outside, 0, places, 0);
        for (int edge = 0; edge < last - first; edge++) {
            if (below[edge] == null) {
                below[edge] = new int[Scratch.CHUNK];
            }
            Arrays.fill(below[edge], 0, places, 0);
        }
        places = 0;
        numbers = 0;
    }

    /** Looks at up to a chunk of numbers by their order. */
    void add(int[] orders, int count) {
        places = Math.max(places, count);
        numbers += count;
        for (int edge = 0; edge < last - first; edge++) {
            OrderedBins.countBelow(orders, bins.least(first + edge + 1), below[edge], count);
        }
        OrderedBins.markAbove(orders, bins.magnitudeWithin(first, last), outside, count);
    }

    /** Adds a run to the counts of all bins; false, and nothing is added, if a number was outside. */
    boolean end(long[] counts) {
        int marks = 0;
        for (int i = 0; i < places; i++) {
            marks |= outside[i];
        }
        if (marks < 0) {
            return false;
        }
        long before = 0;
        for (int bin = first; bin < last; bin++) {
            long reached = sum(below[bin - first]);
            counts[bin] += reached - before;
            before = reached;
        }
        counts[last] += numbers - before;
        return true;
    }

    private long sum(int[] counts) {
        long sum = 0;
        for (int i = 0; i < places; i++) {
            sum += counts[i];
        }
        return sum;
    }
}
