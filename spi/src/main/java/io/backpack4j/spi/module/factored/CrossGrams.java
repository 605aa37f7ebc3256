package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Inner products of the factored gradients of two signals by inner products of their factors:
 * ⟨g_vn, h_wm⟩ = Σ_st ⟨left_vns, left'_wmt⟩ ⟨right_ns, right'_mt⟩. The products of right factors are made once for all columns.
 *
 * @param sizes of both
 * @param lefts the factors of the gradients to the left
 * @param rights those of the gradients to the right
 */
record CrossGrams(Backend backend, DType dtype, FactorSizes sizes, FactorSource lefts, FactorSource rights) {

    /** How many numbers the products of a sample's factors with themselves may take, unless those of one sample take more. */
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

    /** Whether this takes fewer multiplications than making gradients and multiplying these. */
    boolean isCheaper(Counts counts, boolean sameSample) {
        if (sizes.groups() != 1 || !sizes.positionsFirst()) {
            return false;
        }
        double positions = sizes.positions();
        double tile = (double) sizes.rows() * sizes.columns();
        double left = counts.leftColumns() * (sameSample ? 1.0 : counts.leftSamples());
        double right = counts.rightColumns() * (sameSample ? 1.0 : counts.rightSamples());
        double samples = sameSample ? 1.0 : (double) counts.leftSamples() * counts.rightSamples();
        double byFactors = positions * positions * (left * right * (sizes.rows() + 2.0) + samples * sizes.columns());
        double byGradients = (left + right) * positions * tile + left * right * tile;
        return byFactors < byGradients;
    }

    /** Adds to {@code [V·N, W·M]}, a column to the left and a pair of positions at a time. */
    void addOfAll(Counts counts, Tensor destination) {
        long samples = counts.leftSamples();
        long others = counts.rightColumns() * counts.rightSamples();
        try (TensorScope scope = backend.openScope()) {
            PerSampleProduct left = lefts.factors(scope, counts.allLeft());
            PerSampleProduct right = rights.factors(scope, counts.allRight());
            Tensor products = scope.allocate(Shape.of(samples, others), dtype);
            Tensor byColumn = scope.view(products, Shape.of(samples, counts.rightColumns(), counts.rightSamples()));
            Tensor inputs = scope.allocate(Shape.of(samples, counts.rightSamples()), dtype);
            Tensor ofSamples = scope.view(inputs, Shape.of(samples, 1, counts.rightSamples()));
            for (long s = 0; s < sizes.positions(); s++) {
                for (long t = 0; t < sizes.positions(); t++) {
                    try (TensorScope step = backend.openScope()) {
                        Tensor rightHere = at(step, left.right(), s);
                        Tensor rightThere = at(step, right.right(), t);
                        backend.products().multiply(rightHere, false, rightThere, true, 1, 0, inputs);
                        Tensor leftHere = at(step, left.left(), s);
                        Tensor leftThere = at(step, right.left(), t);
                        for (long v = 0; v < counts.leftColumns(); v++) {
                            Tensor column = step.rows(leftHere, v * samples, (v + 1) * samples);
                            backend.products().multiply(column, false, leftThere, true, 1, 0, products);
                            backend.elementwise().combine(BinaryOperation.MULTIPLY, byColumn, ofSamples, byColumn);
                            Tensor target = step.rows(destination, v * samples, (v + 1) * samples);
                            backend.elementwise().addScaled(1, products, target);
                        }
                    }
                }
            }
        }
    }

    /** The factors of a position, {@code [·, length]}. */
    private Tensor at(TensorScope scope, Tensor factors, long position) {
        Shape shape = factors.shape();
        Shape rows = Shape.of(shape.size(0), shape.size(3));
        if (shape.size(2) == 1) {
            return scope.view(factors, rows);
        }
        Region region = Region.all(shape).with(2, position, 1);
        Tensor taken = scope.allocate(region.shape(), dtype);
        backend.indexing().extract(factors, region, taken);
        return scope.view(taken, rows);
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
