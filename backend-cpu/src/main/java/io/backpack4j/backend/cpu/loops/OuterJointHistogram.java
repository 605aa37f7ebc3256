// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import java.util.ArrayList;
import java.util.List;

/**
 * Joint histogram of tiles of single precision that are outer products d ⊗ a of two vectors, and of values that belong
 * to their places, without the tiles. For a row of all tiles, which products reach an edge is known from the order of
 * their right factors, of which many are compared at a time; places are counted by edge first, and their values are
 * looked at when the row is over. Edges that are beyond the largest product cost nothing, and where more than some are
 * not, products are counted one by one.
 */
final class OuterJointHistogram {

    /** How many edges take as long as finding the bins of products. */
    private static final int FEW = 16;

    /** How many samples are at hand at a time: their right factors fit into the second cache. */
    private static final int RUN = 128;

    /** What a product takes. */
    private static final double NANOSECONDS = 0.2;

    private final Bins bins;
    private final ProductLimits limits;
    private final int columns;
    private final int valueBins;
    private final int[] ofValues;

    /** By sample of a run, the order of right factors, their largest magnitudes and least ones that are not zero. */
    private final int[][] orders;

    private final float[] largest;
    private final float[] least;

    private final Team team;
    private final List<Rows> parts = new ArrayList<>();

    private OuterJointHistogram(Team team, Bins bins, int columns, int valueBins, int[] ofValues, int samples) {
        this.team = team;
        this.bins = bins;
        this.limits = new ProductLimits(bins);
        this.columns = columns;
        this.valueBins = valueBins;
        this.ofValues = ofValues;
        this.orders = new int[samples][columns];
        this.largest = new float[samples];
        this.least = new float[samples];
    }

    /**
     * Adds to the counts of a product with one group and one position.
     *
     * @return false if factors or edges are not finite; nothing was added then
     */
    static boolean add(NativeBackend backend, PerSampleProduct product, TileConsumer.JointHistogram histogram) {
        double[] ranges = histogram.ranges().toDoubleArray();
        int gradientBins = (int) histogram.destination().shape().size(0) - 1;
        int valueBins = (int) histogram.destination().shape().size(1);
        var loop = new OuterJointHistogram(
                backend.team(),
                new Bins(gradientBins, ranges[0], ranges[1], histogram.factor()),
                (int) product.columns(),
                valueBins,
                HistogramLoop.ofValues(new Bins(valueBins - 1, ranges[2], ranges[3], 1), histogram.values()),
                (int) Math.min(RUN, product.samples()));
        if (Double.isNaN(ranges[0] + ranges[1]) || !loop.addAll(backend, product)) {
            return false;
        }
        loop.store(histogram);
        return true;
    }

    private boolean addAll(NativeBackend backend, PerSampleProduct product) {
        CpuTensor left = backend.own(product.left());
        CpuTensor right = backend.own(product.right());
        float[][] lefts = new float[orders.length][(int) product.rows()];
        long samples = product.samples();
        for (long from = 0; from < samples; from += RUN) {
            int count = (int) Math.min(RUN, samples - from);
            if (!loadRights(right, from, count)) {
                return false;
            }
            for (long column = 0; column < product.batch(); column += samples) {
                if (!loadLefts(left, column + from, count, lefts)) {
                    return false;
                }
                addRows((int) product.rows(), lefts, count);
            }
        }
        return true;
    }

    private void addRows(int rows, float[][] lefts, int count) {
        int many = team.parts(NANOSECONDS * rows * count * columns);
        while (parts.size() < many) {
            parts.add(new Rows());
        }
        team.run(many, rows, (part, from, to) -> {
            for (int row = (int) from; row < to; row++) {
                parts.get(part).addRow(row, lefts, count);
            }
        });
    }

    private static boolean loadLefts(CpuTensor vectors, long first, int count, float[][] target) {
        boolean finite = true;
        for (int i = 0; i < count; i++) {
            vectors.block.get(vectors.at((first + i) * target[i].length), target[i], 0, target[i].length);
            for (float number : target[i]) {
                finite &= Math.abs(number) <= Float.MAX_VALUE;
            }
        }
        return finite;
    }

    private boolean loadRights(CpuTensor vectors, long first, int count) {
        SignedMagnitudes magnitudes = new SignedMagnitudes().of(columns);
        boolean finite = true;
        for (int sample = 0; sample < count; sample++) {
            magnitudes.load(vectors, first + sample);
            finite &= magnitudes.isFinite();
            largest[sample] = magnitudes.largest();
            least[sample] = magnitudes.least();
            vectors.block.get(vectors.at((first + sample) * columns), orders[sample], 0, columns);
            OrderedBins.order(orders[sample], columns);
        }
        return finite;
    }

    /** Behind the last edge that a product of a magnitude may reach. */
    private int edgesReached(float most) {
        int edge = limits.firstPositive();
        while (edge < limits.bins() && limits.of(edge) <= most) {
            edge++;
        }
        return edge;
    }

    /** The first edge below which one may be. */
    private int lowestReached(float most) {
        int edge = limits.firstPositive();
        while (edge > 1 && limits.of(edge - 1) <= most) {
            edge--;
        }
        return edge;
    }

    private void store(TileConsumer.JointHistogram histogram) {
        long[] sums = histogram.destination().toLongArray();
        for (Rows part : parts) {
            part.addTo(sums);
        }
        histogram.destination().write(0, sums, 0, sums.length);
    }

    /** Some of the rows; belongs to one thread at a time. */
    private final class Rows {

        /** By edge, how often the products at the places of a row reached it, if any did. */
        private final int[][] reached = new int[bins.count()][];

        private final boolean[] touched = new boolean[bins.count()];

        /** By edge and value, how often it was reached; for edge 0, how often it was asked. */
        private final long[][] reaching = new long[bins.count()][valueBins];

        private final long[] counts = new long[(bins.count() + 1) * valueBins];

        void addRow(int row, float[][] lefts, int count) {
            int asked = 0;
            for (int sample = 0; sample < count; sample++) {
                float factor = lefts[sample][row];
                float most = Math.abs(factor) * largest[sample];
                int to = edgesReached(most);
                int from = lowestReached(most);
                if (to - from > FEW) {
                    countOneByOne(row, factor, orders[sample]);
                } else {
                    asked++;
                    for (int edge = from; edge < to; edge++) {
                        compare(edge, factor, sample);
                    }
                }
            }
            fold(row, asked);
        }

        /** Counts places where an edge's limit is reached with the signs that it asks for. */
        private void compare(int edge, float factor, int sample) {
            float limit = limits.of(edge);
            float magnitude = Math.abs(factor);
            float needed =
                    limit <= magnitude * least[sample] ? Float.MIN_VALUE : ProductLimits.leastFactor(magnitude, limit);
            if (reached[edge] == null) {
                reached[edge] = new int[columns];
            }
            touched[edge] = true;
            boolean positive = factor > 0 == limits.isPositive(edge);
            if (positive) {
                OrderedBins.countNotBelow(orders[sample], Float.floatToRawIntBits(needed), reached[edge]);
            } else {
                // Up to a negative number, which is below the next one.
                int order = OrderedBins.order(Float.floatToRawIntBits(-needed));
                OrderedBins.countBelow(orders[sample], order + 1, reached[edge], reached[edge].length);
            }
        }

        private void countOneByOne(int row, float factor, int[] right) {
            int first = row * columns;
            for (int i = 0; i < columns; i++) {
                float product = factor * Float.intBitsToFloat(OrderedBins.order(right[i]));
                counts[bins.of(product) * valueBins + ofValues[first + i]]++;
            }
        }

        private void fold(int row, int asked) {
            int first = row * columns;
            for (int i = 0; i < columns; i++) {
                reaching[0][ofValues[first + i]] += asked;
            }
            for (int edge = 1; edge < touched.length; edge++) {
                if (touched[edge]) {
                    int[] own = reached[edge];
                    for (int i = 0; i < columns; i++) {
                        reaching[edge][ofValues[first + i]] += own[i];
                        own[i] = 0;
                    }
                    touched[edge] = false;
                }
            }
        }

        void addTo(long[] sums) {
            for (int value = 0; value < valueBins; value++) {
                long above = reaching[0][value];
                for (int edge = 1; edge < limits.bins(); edge++) {
                    long notBelow = limits.isPositive(edge)
                            ? reaching[edge][value]
                            : reaching[0][value] - reaching[edge][value];
                    counts[(edge - 1) * valueBins + value] += above - notBelow;
                    above = notBelow;
                }
                counts[(limits.bins() - 1) * valueBins + value] += above;
            }
            for (int i = 0; i < sums.length; i++) {
                sums[i] += counts[i];
            }
        }
    }
}
