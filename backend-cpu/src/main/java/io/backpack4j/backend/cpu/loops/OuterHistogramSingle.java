// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import java.util.Arrays;

/**
 * Histogram of tiles of single precision that are outer products d ⊗ a of two vectors, without the tiles, by {@link
 * ProductLimits}. How many products reach a limit is known at once where the largest product does
 * not, or the least one that is not zero does, which is so of most edges, and of zero. For the others, factors that can
 * reach the least of their limits are sorted, and two sorted lists take one walk per edge along those that do. Limits
 * are single numbers and products are rounded as tiles' are, so that counts are equal; tiles for which this would cost
 * more are counted product by product.
 */
final class OuterHistogramSingle {

    /** How much a step of sorting, or of a walk, costs in products that are counted one by one. */
    private static final double SORT_STEP = 1;

    private static final double WALK_STEP = 0.5;

    private static final long CHUNK_BYTES = (long) Scratch.CHUNK * Float.BYTES;

    /** What an element of a factor takes at least. */
    private static final double NANOSECONDS = 0.8;

    private final long[] counts;
    private final SignedMagnitudes left;
    private final SignedMagnitudes right;

    private final ProductLimits limits;
    private final HistogramLoop elements;
    /** The address of a chunk of products. */
    private final long memory;

    /** A thread's memory for a factor of either side. */
    private record Vectors(SignedMagnitudes left, SignedMagnitudes right) {
        static final ThreadLocal<Vectors> OF_THREAD =
                ThreadLocal.withInitial(() -> new Vectors(new SignedMagnitudes(), new SignedMagnitudes()));
    }

    /** Belongs to the thread that makes it. */
    private OuterHistogramSingle(
            int bins, ProductLimits limits, HistogramLoop elements, long memory, int rows, int columns) {
        this.elements = elements;
        this.memory = memory;
        this.counts = new long[bins + 1];
        Vectors vectors = Vectors.OF_THREAD.get();
        this.left = vectors.left.of(rows);
        this.right = vectors.right.of(columns);
        this.limits = limits;
    }

    /** Adds to the counts of a product with one group and one position. */
    static void add(NativeBackend backend, PerSampleProduct product, TileConsumer.Histogram histogram) {
        double[] range = histogram.range().toDoubleArray();
        long[] sums = histogram.destination().toLongArray();
        Bins bins = new Bins(sums.length - 1, range[0], range[1], histogram.factor());
        CpuTensor left = backend.own(product.left());
        CpuTensor right = backend.own(product.right());
        var limits = new ProductLimits(bins);
        Team team = backend.team();
        int parts = team.parts(NANOSECONDS * product.batch() * (product.rows() + product.columns()));
        var loops = new OuterHistogramSingle[parts];
        var elements = new HistogramLoop[parts];
        Arrays.setAll(
                elements,
                part -> new HistogramLoop(Team.ALONE, histogram.range(), histogram.factor(), histogram.destination()));
        Block chunks = backend.pool().allocate((long) parts * CHUNK_BYTES);
        try {
            team.run(parts, product.samples(), (part, from, to) -> {
                long memory = chunks.address + part * CHUNK_BYTES;
                loops[part] = new OuterHistogramSingle(
                        bins.count(), limits, elements[part], memory, (int) product.rows(), (int) product.columns());
                loops[part].addSamples(left, right, from, to, product);
            });
        } finally {
            backend.pool().release(chunks);
        }
        for (OuterHistogramSingle loop : loops) {
            for (int i = 0; i < sums.length; i++) {
                sums[i] += loop.counts[i];
            }
        }
        histogram.destination().write(0, sums, 0, sums.length);
        for (HistogramLoop ofPart : elements) {
            ofPart.store();
        }
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
        long all = (long) left.length() * right.length();
        float largest = left.largest() * right.largest();
        int from = limits.firstWithin(largest);
        int to = limits.firstBeyond(largest);
        if (!left.isFinite() || !right.isFinite() || !find(from, to, all)) {
            countOneByOne();
            return;
        }
        // All products reach edges before these, none reaches those behind them.
        long below = all;
        for (int edge = from; edge < to; edge++) {
            long reaching = notBelow(edge, all);
            counts[edge - 1] += below - reaching;
            below = reaching;
        }
        counts[limits.areNumbers() ? to - 1 : 0] += below;
    }

    /** Sorts what can reach limits that are not decided by extremes; false if that is not worth it. */
    private boolean find(int from, int to, long all) {
        int undecided = 0;
        float least = Float.POSITIVE_INFINITY;
        for (int edge = from; edge < to; edge++) {
            if (isUndecided(limits.of(edge))) {
                undecided++;
                least = Math.min(least, limits.of(edge));
            }
        }
        if (undecided == 0) {
            return true;
        }
        int factors = left.select(least, right.largest()) + right.select(least, left.largest());
        double cost =
                factors * (SORT_STEP * (Integer.SIZE - Integer.numberOfLeadingZeros(factors)) + WALK_STEP * undecided);
        if (cost >= all) {
            return false;
        }
        left.sort();
        right.sort();
        return true;
    }

    private boolean isUndecided(float limit) {
        return limit <= left.largest() * right.largest() && limit > left.least() * right.least();
    }

    /** How many products are not below an edge whose limit some of them may reach. */
    private long notBelow(int edge, long all) {
        float limit = limits.of(edge);
        boolean equalSigns = limits.isPositive(edge);
        long reaching = isUndecided(limit) ? left.reaching(right, equalSigns, limit) : left.pairs(right, equalSigns);
        return equalSigns ? reaching : all - reaching;
    }

    /** A chunk of the tile at a time, by way of native memory, where numbers become whole ones at no cost. */
    private void countOneByOne() {
        float[] products = Scratch.get().floats;
        int made = 0;
        for (int i = 0; i < left.length(); i++) {
            for (int from = 0; from < right.length(); ) {
                int count = Math.min(products.length - made, right.length() - from);
                right.multiply(left.value(i), from, count, products, made);
                from += count;
                made += count;
                if (made == products.length) {
                    count(products, made);
                    made = 0;
                }
            }
        }
        count(products, made);
    }

    private void count(float[] products, int number) {
        Scratch.get().floatAddress.at(memory).put(products, 0, number);
        elements.add(memory, number);
    }
}
