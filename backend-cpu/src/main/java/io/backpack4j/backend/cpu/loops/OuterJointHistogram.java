// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;

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

    private final Bins bins;
    private final ProductLimits limits;
    private final int columns;
    private final int valueBins;
    private final int[] ofValues;

    /** By sample of a run, the order of right factors, their largest magnitudes and least ones that are not zero. */
    private final int[][] orders;

    private final float[] largest;
    private final float[] least;

    /** By edge, how often the products at the places of a row reached it, if any did. */
    private final int[][] reached;

    private final boolean[] touched;

    /** By edge and value, how often it was reached; for edge 0, how often it was asked. */
    private final long[][] reaching;

    private final long[] counts;

    private OuterJointHistogram(Bins bins, int columns, int valueBins, int[] ofValues, int samples) {
        this.bins = bins;
        this.limits = new ProductLimits(bins);
        this.columns = columns;
        this.valueBins = valueBins;
        this.ofValues = ofValues;
        this.orders = new int[samples][columns];
        this.largest = new float[samples];
        this.least = new float[samples];
        this.reached = new int[bins.count()][];
        this.touched = new boolean[bins.count()];
        this.reaching = new long[bins.count()][valueBins];
        this.counts = new long[(bins.count() + 1) * valueBins];
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
                for (int row = 0; row < product.rows(); row++) {
                    addRow(row, lefts, count);
                }
            }
        }
        return true;
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
        SignedMagnitudes magnitudes = new SignedMagnitudes(columns);
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

    private void addRow(int row, float[][] lefts, int count) {
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

    private void store(TileConsumer.JointHistogram histogram) {
        long[] sums = histogram.destination().toLongArray();
        for (int value = 0; value < valueBins; value++) {
            long above = reaching[0][value];
            for (int edge = 1; edge < limits.bins(); edge++) {
                long notBelow =
                        limits.isPositive(edge) ? reaching[edge][value] : reaching[0][value] - reaching[edge][value];
                counts[(edge - 1) * valueBins + value] += above - notBelow;
                above = notBelow;
            }
            counts[(limits.bins() - 1) * valueBins + value] += above;
        }
        for (int i = 0; i < sums.length; i++) {
            sums[i] += counts[i];
        }
        histogram.destination().write(0, sums, 0, sums.length);
    }
}
