// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.RegionSums;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Inner products of the factored gradients of two signals by inner products of their factors: ⟨g_vn, h_wm⟩ = Σ_st
 * ⟨left_vns, left'_wmt⟩ ⟨right_ns, right'_mt⟩. The products of right factors are made once for all columns.
 *
 * @param sizes of both
 * @param lefts the factors of the gradients to the left
 * @param rights those of the gradients to the right
 */
record CrossGrams(Backend backend, DType dtype, FactorSizes sizes, FactorSource lefts, FactorSource rights) {

    /**
     * How many numbers the products of a sample's factors with themselves may take, unless those of one sample take
     * more.
     */
    private static final long MANY_NUMBERS = 1 << 20;

    /** V, N, W and M. */
    record Counts(long leftColumns, long leftSamples, long rightColumns, long rightSamples) {

        Block allLeft() {
            return new Block(0, leftColumns, 0, leftSamples);
        }

        Block allRight() {
            return new Block(0, rightColumns, 0, rightSamples);
        }
    }

    /**
     * Whether this takes fewer multiplications than making gradients and multiplying these.
     *
     * @param same whether both signals are one, so that one half is enough
     */
    boolean isCheaper(Counts counts, boolean sameSample, boolean same) {
        if (sizes.groups() != 1 || !sizes.positionsFirst()) {
            return false;
        }
        double positions = sizes.positions();
        double tile = (double) sizes.rows() * sizes.columns();
        double left = counts.leftColumns() * (sameSample ? 1.0 : counts.leftSamples());
        double right = counts.rightColumns() * (sameSample ? 1.0 : counts.rightSamples());
        double samples = sameSample ? 1.0 : (double) counts.leftSamples() * counts.rightSamples();
        double byPairs = positions * positions * (left * right * (sizes.rows() + 2.0) + samples * sizes.columns());
        double byFactors = sameSample || positions == 1 ? byPairs : AppliedGrams.cost(sizes, counts);
        double made = same ? left : left + right;
        double half = same && !sameSample ? 0.5 : 1;
        return half * byFactors < made * positions * tile + half * left * right * tile;
    }

    /** Adds to {@code [V·N, W·M]}; of a signal with itself one half is worked out. */
    void addOfAll(Counts counts, boolean same, Tensor destination) {
        if (sizes.positions() > 1) {
            new AppliedGrams(backend, dtype, sizes, lefts, rights, same).add(counts, destination);
            return;
        }
        long samples = counts.leftSamples();
        long others = counts.rightSamples();
        try (TensorScope scope = backend.openScope()) {
            PerSampleProduct left = lefts.factors(scope, counts.allLeft());
            PerSampleProduct right = same ? left : rights.factors(scope, counts.allRight());
            Tensor inputs = scope.allocate(Shape.of(samples, others), dtype);
            backend.products()
                    .multiply(vectors(scope, left.right()), false, vectors(scope, right.right()), true, 1, 0, inputs);
            Tensor ofSamples = scope.view(inputs, Shape.of(samples, 1, others));
            Tensor lefts = vectors(scope, left.left());
            Tensor rights = vectors(scope, right.left());
            for (long v = 0; v < counts.leftColumns(); v++) {
                long first = same ? v : 0;
                long count = counts.rightColumns() - first;
                try (TensorScope step = backend.openScope()) {
                    Tensor column = step.rows(lefts, v * samples, (v + 1) * samples);
                    Tensor from = step.rows(rights, first * others, counts.rightColumns() * others);
                    Tensor products = step.allocate(Shape.of(samples, count * others), dtype);
                    backend.products().multiply(column, false, from, true, 1, 0, products);
                    Tensor byColumn = step.view(products, Shape.of(samples, count, others));
                    backend.elementwise().combine(BinaryOperation.MULTIPLY, byColumn, ofSamples, byColumn);
                    addColumn(step, products, v * samples, first * others, same, destination);
                }
            }
        }
    }

    /**
     * Adds the inner products of some rows, from a column of the matrix on, and the mirror image of what is right of
     * the diagonal's block.
     */
    private void addColumn(
            TensorScope step, Tensor products, long fromRow, long fromColumn, boolean mirrors, Tensor destination) {
        long rows = products.shape().size(0);
        long columns = products.shape().size(1);
        if (fromColumn == 0) {
            backend.elementwise().addScaled(1, products, step.rows(destination, fromRow, fromRow + rows));
        } else {
            Region region =
                    Region.all(destination.shape()).with(0, fromRow, rows).with(1, fromColumn, columns);
            RegionSums.add(backend, products, region, destination);
        }
        if (!mirrors || columns == rows) {
            return;
        }
        Region beyond = Region.all(products.shape()).with(1, rows, columns - rows);
        Tensor right = step.allocate(beyond.shape(), dtype);
        backend.indexing().extract(products, beyond, right);
        Tensor below = step.allocate(Shape.of(columns - rows, rows), dtype);
        backend.indexing().permute(right, new int[] {1, 0}, below);
        Region region = Region.all(destination.shape())
                .with(0, fromColumn + rows, columns - rows)
                .with(1, fromRow, rows);
        RegionSums.add(backend, below, region, destination);
    }

    /** Factors of one position as rows, {@code [·, length]}. */
    private static Tensor vectors(TensorScope scope, Tensor factors) {
        return scope.view(
                factors, Shape.of(factors.shape().size(0), factors.shape().size(3)));
    }

    /** Adds to {@code [N, V, W]}, some samples at a time. */
    void addOfSamples(Counts counts, Tensor destination) {
        long perSample = counts.leftColumns() * counts.rightColumns() * sizes.positions() * sizes.positions();
        long run = Math.max(1, Math.min(counts.leftSamples(), MANY_NUMBERS / Math.max(1, perSample)));
        for (long from = 0; from < counts.leftSamples(); from += run) {
            long to = Math.min(counts.leftSamples(), from + run);
            try (TensorScope scope = backend.openScope()) {
                addOfSamples(scope, counts, from, to, scope.rows(destination, from, to));
            }
        }
    }

    private void addOfSamples(TensorScope scope, Counts counts, long from, long to, Tensor destination) {
        long samples = to - from;
        long positions = sizes.positions();
        PerSampleProduct left = lefts.factors(scope, new Block(0, counts.leftColumns(), from, to));
        PerSampleProduct right = rights.factors(scope, new Block(0, counts.rightColumns(), from, to));
        Tensor here = samplesFirst(scope, left.left(), counts.leftColumns(), samples);
        Tensor there = samplesFirst(scope, right.left(), counts.rightColumns(), samples);
        long rows = counts.leftColumns() * positions;
        long columns = counts.rightColumns() * positions;
        Tensor products = scope.allocate(Shape.of(samples, rows, columns), dtype);
        backend.products().multiply(here, false, there, true, 1, 0, products);
        Shape ofInputs = Shape.of(samples, positions, sizes.columns());
        Tensor inputs = scope.allocate(Shape.of(samples, positions, positions), dtype);
        backend.products()
                .multiply(
                        scope.view(left.right(), ofInputs),
                        false,
                        scope.view(right.right(), ofInputs),
                        true,
                        1,
                        0,
                        inputs);
        Shape apart = Shape.of(samples, counts.leftColumns(), positions, counts.rightColumns(), positions);
        Tensor byPosition = scope.view(products, apart);
        backend.elementwise()
                .combine(
                        BinaryOperation.MULTIPLY,
                        byPosition,
                        scope.view(inputs, Shape.of(samples, 1, positions, 1, positions)),
                        byPosition);
        if (positions == 1) {
            backend.elementwise().addScaled(1, scope.view(products, destination.shape()), destination);
            return;
        }
        Tensor overLast = scope.allocate(Shape.of(samples * rows * counts.rightColumns()), dtype);
        Tensor last = scope.view(products, Shape.of(overLast.shape().elements(), positions));
        backend.reductions().reduce(Reduction.SUM, last, 1, 2, overLast);
        Tensor sums = scope.allocate(destination.shape(), dtype);
        Tensor first = scope.view(overLast, Shape.of(samples * counts.leftColumns(), positions, counts.rightColumns()));
        backend.reductions()
                .reduce(
                        Reduction.SUM,
                        first,
                        1,
                        2,
                        scope.view(sums, Shape.of(samples * counts.leftColumns(), counts.rightColumns())));
        backend.elementwise().addScaled(1, sums, destination);
    }

    /** {@code [samples, columns · S, M]}. */
    private Tensor samplesFirst(TensorScope scope, Tensor factors, long columns, long samples) {
        long positions = sizes.positions();
        Shape shape = Shape.of(samples, columns * positions, sizes.rows());
        if (columns == 1) {
            return scope.view(factors, shape);
        }
        Tensor moved = scope.allocate(Shape.of(samples, columns, positions, sizes.rows()), dtype);
        Tensor byColumn = scope.view(factors, Shape.of(columns, samples, positions, sizes.rows()));
        backend.indexing().permute(byColumn, new int[] {1, 0, 2, 3}, moved);
        return scope.view(moved, shape);
    }
}
