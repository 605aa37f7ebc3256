// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.RegionSums;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Inner products of the factored gradients of two signals with several positions: ⟨g_vn, h_wm⟩ = ⟨left_vn, B_nm
 * left'_wm⟩ with B_nm = right_n right'_mᵀ, {@code [S, S]}, the factors of a sample being matrices of its positions.
 * B_nm is made once for all columns, and applied to those to the right: V·W·S·M multiplications are left of the
 * V·W·S²·M that all pairs of positions take. Of a signal with itself, one half is worked out.
 *
 * @param sizes of both
 * @param same whether both signals are one
 */
record AppliedGrams(
        Backend backend, DType dtype, FactorSizes sizes, FactorSource lefts, FactorSource rights, boolean same) {

    /** How many numbers may be applied at a time, unless those of one sample are more. */
    private static final long MANY_NUMBERS = 1 << 20;

    /** Multiplications of all pairs of samples. */
    static double cost(FactorSizes sizes, CrossGrams.Counts counts) {
        double positions = sizes.positions();
        double applied = positions * positions * (sizes.columns() + (double) counts.rightColumns() * sizes.rows());
        double products = (double) counts.leftColumns() * counts.rightColumns() * positions * sizes.rows();
        return (double) counts.leftSamples() * counts.rightSamples() * (applied + products);
    }

    /** Adds to {@code [V·N, W·M]}, a sample to the left and some to the right at a time. */
    void add(CrossGrams.Counts counts, Tensor destination) {
        long ofSample = counts.rightColumns() * sizes.positions() * sizes.rows();
        long run = Math.max(1, Math.min(counts.rightSamples(), MANY_NUMBERS / Math.max(1, ofSample)));
        try (TensorScope scope = backend.openScope()) {
            PerSampleProduct left = lefts.factors(scope, counts.allLeft());
            PerSampleProduct right = same ? left : rights.factors(scope, counts.allRight());
            Shape ofLeft =
                    Shape.of(counts.leftColumns(), counts.leftSamples(), counts.rightColumns(), counts.rightSamples());
            Tensor sums = scope.view(destination, ofLeft);
            for (long n = 0; n < counts.leftSamples(); n++) {
                try (TensorScope sample = backend.openScope()) {
                    Tensor columns = columns(sample, left, counts, n);
                    for (long from = same ? n / run * run : 0; from < counts.rightSamples(); from += run) {
                        long to = Math.min(counts.rightSamples(), from + run);
                        Block block = new Block(0, counts.rightColumns(), from, to);
                        add(counts, columns, left, right, n, block, sums);
                    }
                }
            }
        }
    }

    /** The left factors of a sample, {@code [V, S·M]}. */
    private Tensor columns(TensorScope scope, PerSampleProduct left, CrossGrams.Counts counts, long n) {
        long size = sizes.positions() * sizes.rows();
        Tensor all = scope.view(left.left(), Shape.of(counts.leftColumns(), counts.leftSamples(), size));
        Region region = Region.all(all.shape()).with(1, n, 1);
        Tensor columns = scope.allocate(region.shape(), dtype);
        backend.indexing().extract(all, region, columns);
        return scope.view(columns, Shape.of(counts.leftColumns(), size));
    }

    private void add(
            CrossGrams.Counts counts,
            Tensor columns,
            PerSampleProduct left,
            PerSampleProduct right,
            long n,
            Block block,
            Tensor sums) {
        long positions = sizes.positions();
        long samples = block.samples();
        long count = counts.rightColumns();
        try (TensorScope scope = backend.openScope()) {
            Tensor here = scope.view(scope.rows(left.right(), n, n + 1), Shape.of(positions, sizes.columns()));
            Tensor there = scope.view(
                    scope.rows(right.right(), block.fromSample(), block.toSample()),
                    Shape.of(samples * positions, sizes.columns()));
            Tensor grams = scope.allocate(Shape.of(samples * positions, positions), dtype);
            backend.products().multiply(there, false, here, true, 1, 0, grams);
            Tensor bySample = scope.view(grams, Shape.of(samples, positions, positions));
            Tensor applied = scope.allocate(Shape.of(count * samples, positions, sizes.rows()), dtype);
            for (long w = 0; w < count; w++) {
                long first = w * counts.rightSamples();
                Tensor column = scope.view(
                        scope.rows(right.left(), first + block.fromSample(), first + block.toSample()),
                        Shape.of(samples, positions, sizes.rows()));
                Tensor target = scope.rows(applied, w * samples, (w + 1) * samples);
                backend.products().multiply(bySample, true, column, false, 1, 0, target);
            }
            Tensor products = scope.allocate(Shape.of(counts.leftColumns(), count * samples), dtype);
            Tensor rows = scope.view(applied, Shape.of(count * samples, positions * sizes.rows()));
            backend.products().multiply(columns, false, rows, true, 1, 0, products);
            Region region = Region.all(sums.shape()).with(1, n, 1).with(3, block.fromSample(), samples);
            RegionSums.add(backend, products, region, sums);
            if (same && block.fromSample() > n) {
                Tensor mirrored = scope.allocate(Shape.of(count, samples, counts.leftColumns()), dtype);
                Tensor apart = scope.view(products, Shape.of(counts.leftColumns(), count, samples));
                backend.indexing().permute(apart, new int[] {1, 2, 0}, mirrored);
                Region transposed = Region.all(sums.shape())
                        .with(1, block.fromSample(), samples)
                        .with(3, n, 1);
                RegionSums.add(backend, mirrored, transposed, sums);
            }
        }
    }
}
