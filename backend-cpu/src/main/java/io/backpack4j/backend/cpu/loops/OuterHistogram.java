// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import java.util.Arrays;

/**
 * Histogram of tiles that are outer products d ⊗ a of two vectors, without the tiles. A product is not below a positive
 * edge only if both signs are equal, and below an edge that is not positive only if they differ; within factors of one
 * sign, sorted by magnitude, those that reach an edge with a factor are the last ones, and the more the larger that is.
 * So an edge takes one walk along both vectors, and none if it is beyond the largest product. Every product is rounded
 * as the tile's would be before it is compared, so that counts are equal; a tile for which sorting and walking cost
 * more is counted product by product.
 */
final class OuterHistogram {

    /**
     * Cost of a step of sorting, or of a walk, in products that are counted one by one: measured within a factor
     * of two.
     */
    private static final double SORT_STEP = 1;

    private static final double WALK_STEP = 0.5;

    /** What an element of a factor takes at least. */
    private static final double NANOSECONDS = 0.8;

    private final Bins bins;
    private final long[] counts;
    private final Signed left;
    private final Signed right;

    private OuterHistogram(Bins bins, int rows, int columns) {
        this.bins = bins;
        this.counts = new long[bins.count() + 1];
        this.left = new Signed(rows);
        this.right = new Signed(columns);
    }

    /** Adds to the counts of a product with one group and one position. */
    static void add(NativeBackend backend, PerSampleProduct product, TileConsumer.Histogram histogram) {
        if (backend.own(product.left()).isSingle()) {
            OuterHistogramSingle.add(backend, product, histogram);
        } else {
            addDouble(backend, product, histogram);
        }
    }

    private static void addDouble(NativeBackend backend, PerSampleProduct product, TileConsumer.Histogram histogram) {
        double[] range = histogram.range().toDoubleArray();
        long[] sums = histogram.destination().toLongArray();
        Bins bins = new Bins(sums.length - 1, range[0], range[1], histogram.factor());
        CpuTensor left = backend.own(product.left());
        CpuTensor right = backend.own(product.right());
        Team team = backend.team();
        int parts = team.parts(NANOSECONDS * product.batch() * (product.rows() + product.columns()));
        var loops = new OuterHistogram[parts];
        team.run(parts, product.samples(), (part, from, to) -> {
            loops[part] = new OuterHistogram(bins, (int) product.rows(), (int) product.columns());
            loops[part].addSamples(left, right, from, to, product);
        });
        for (OuterHistogram loop : loops) {
            for (int i = 0; i < sums.length; i++) {
                sums[i] += loop.counts[i];
            }
        }
        histogram.destination().write(0, sums, 0, sums.length);
    }

    private void addSamples(CpuTensor lefts, CpuTensor rights, long from, long to, PerSampleProduct product) {
        for (long sample = from; sample < to; sample++) {
            right.load(rights, sample);
            for (long b = sample; b < product.batch(); b += product.samples()) {
                left.load(lefts, b);
                count();
            }
        }
    }

    private void count() {
        long all = (long) left.values.length * right.values.length;
        if (!left.finite || !right.finite) {
            countOneByOne();
            return;
        }
        double largest = left.largest * right.largest;
        int walked = 0;
        for (int i = 1; i < bins.count(); i++) {
            walked += Math.abs(bins.edge(i)) <= largest ? 1 : 0;
        }
        double cost = left.sortingCost()
                + right.sortingCost()
                + WALK_STEP * walked * (left.values.length + right.values.length);
        if (cost >= all) {
            countOneByOne();
            return;
        }
        if (walked > 0) {
            left.sort();
            right.sort();
        }
        long below = all;
        for (int i = 1; i < bins.count(); i++) {
            long reaching = reaching(bins.edge(i), largest, all);
            counts[i - 1] += below - reaching;
            below = reaching;
        }
        counts[bins.count() - 1] += below;
    }

    /** Counts the products that are at least an edge. */
    private long reaching(double edge, double largest, long all) {
        if (Double.isNaN(edge)) {
            return 0;
        }
        if (edge > 0) {
            return edge > largest
                    ? 0
                    : walk(left.above, left.positives, right.above, right.positives, edge, false)
                            + walk(left.below, left.negatives, right.below, right.negatives, edge, false);
        }
        double magnitude = -edge;
        return magnitude >= largest
                ? all
                : all
                        - walk(left.above, left.positives, right.below, right.negatives, magnitude, true)
                        - walk(left.below, left.negatives, right.above, right.positives, magnitude, true);
    }

    /**
     * Counts the products of two sorted lists of magnitudes that are at least, or above, a limit.
     *
     * @param strict whether they must be above it
     */
    private long walk(double[] one, int ones, double[] other, int others, double limit, boolean strict) {
        long count = 0;
        int first = others;
        for (int i = 0; i < ones; i++) {
            double factor = one[i];
            while (first > 0) {
                double product = factor * other[first - 1];
                if (strict ? product <= limit : product < limit) {
                    break;
                }
                first--;
            }
            count += others - first;
        }
        return count;
    }

    private void countOneByOne() {
        for (double a : left.values) {
            for (double b : right.values) {
                counts[bins.of(a * b)]++;
            }
        }
    }

    /** A vector, and its magnitudes by sign. Zeros have neither: their products are zero, which no walk counts. */
    private static final class Signed {

        private final double[] values;
        private final double[] above;
        private final double[] below;
        private int positives;
        private int negatives;
        private double largest;
        private boolean finite;
        private boolean sorted;

        Signed(int length) {
            values = new double[length];
            above = new double[length];
            below = new double[length];
        }

        void load(CpuTensor vectors, long index) {
            double[] piece = Scratch.get().a;
            for (int from = 0; from < values.length; from += piece.length) {
                int count = Math.min(piece.length, values.length - from);
                vectors.load(index * values.length + from, piece, count);
                System.arraycopy(piece, 0, values, from, count);
            }
            largest = 0;
            finite = true;
            sorted = false;
            for (double value : values) {
                double magnitude = Math.abs(value);
                largest = magnitude > largest ? magnitude : largest;
                finite &= magnitude <= Double.MAX_VALUE;
            }
        }

        /** Nothing, if another column of the sample has paid already. */
        double sortingCost() {
            return sorted
                    ? 0
                    : SORT_STEP * values.length * (Integer.SIZE - Integer.numberOfLeadingZeros(values.length));
        }

        void sort() {
            if (sorted) {
                return;
            }
            positives = 0;
            negatives = 0;
            for (double value : values) {
                if (value > 0) {
                    above[positives++] = value;
                } else if (value < 0) {
                    below[negatives++] = -value;
                }
            }
            Arrays.sort(above, 0, positives);
            Arrays.sort(below, 0, negatives);
            sorted = true;
        }
    }
}
