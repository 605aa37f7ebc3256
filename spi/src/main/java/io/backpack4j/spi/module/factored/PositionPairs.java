// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Squares of sums over positions, multiplied out: Σ_vn w_vn (Σ_s l_vns ⊗ r_ns)² = Σ_{s≤t} (2 if s ≠ t) Σ_n (Σ_v w_vn
 * l_vns l_vnt) ⊗ (r_ns r_nt), which is one matrix product. Its rounding error is a part of Σ_vn |w_vn| (Σ_s |l_vns| ⊗
 * |r_ns|)², so that digits are lost where positions cancel. Whether they do is judged row by row, since sums over a
 * row's columns are cheap: Σ_n (Σ_v …) ⟨r_ns, r_nt⟩, of all pairs and of those with s = t alone.
 */
final class PositionPairs {

    /**
     * A row of which less than this part is left over from the squares of its positions has cancelled: up to there no
     * more than six bits are lost.
     */
    private static final double LEAST_PART = 1.0 / 64;

    private final Backend backend;
    private final TensorScope scope;
    private final DType dtype;
    private final long columns;
    private final long samples;
    private final List<Tensor> lefts = new ArrayList<>();
    private final List<Tensor> rights = new ArrayList<>();
    private final Tensor right;
    private final Tensor dots;
    /** What all squares of positions of any result add up to. */
    private double energy;

    /** @param uses factors of one group with positions first, of equal sizes but for the number of positions */
    PositionPairs(Backend backend, TensorScope scope, List<PerSampleProduct> uses) {
        this.backend = backend;
        this.scope = scope;
        this.samples = uses.get(0).samples();
        this.columns = uses.get(0).batch() / samples;
        this.dtype = uses.get(0).left().dtype();
        for (PerSampleProduct use : uses) {
            for (long position = 0; position < use.positions(); position++) {
                lefts.add(at(use.left(), position));
                rights.add(at(use.right(), position));
            }
        }
        long pairs = (long) lefts.size() * (lefts.size() + 1) / 2;
        this.right = scope.allocate(Shape.of(samples, pairs, uses.get(0).columns()), dtype);
        this.dots = scope.allocate(Shape.of(samples, 2, pairs), dtype);
        multiplyRights();
    }

    /**
     * Overwrites a destination, unless digits cancel: its contents do not matter then.
     *
     * @param weights {@code [V, N]} of either sign, or null for ones
     * @param perSample whether samples stay apart
     * @param destination {@code [M, K]}, or {@code [N, M, K]}
     * @return whether the destination holds the squares. Without energy it is not said to, so that rehearsals, which
     *     know no numbers, see both ways
     */
    boolean squares(@Nullable Tensor weights, boolean perSample, Tensor destination) {
        if (weights == null) {
            return add(null, perSample, destination) && energy > 0;
        }
        var ops = backend.elementwise();
        Tensor part = scope.allocate(weights.shape(), dtype);
        positive(weights, part);
        boolean kept = add(part, perSample, destination);
        ops.affine(weights, -1, 0, part);
        positive(part, part);
        Tensor negative = scope.allocate(destination.shape(), dtype);
        kept &= add(part, perSample, negative);
        ops.addScaled(-1, negative, destination);
        return kept && energy > 0;
    }

    /** One side of the weights, none of which is negative: nor are its squares. */
    private boolean add(@Nullable Tensor weights, boolean perSample, Tensor destination) {
        try (TensorScope step = backend.openScope()) {
            Tensor left = multiplyLefts(step, weights);
            long rows = left.shape().size(2);
            if (perSample) {
                backend.products().multiply(left, true, right, false, 1, 0, destination);
            } else {
                Tensor joined = step.view(left, Shape.of(left.shape().elements() / rows, rows));
                long width = right.shape().size(2);
                Tensor rightRows = step.view(right, Shape.of(right.shape().elements() / width, width));
                backend.products().multiply(joined, true, rightRows, false, 1, 0, destination);
            }
            positive(destination, destination);
            return holds(step, left, perSample);
        }
    }

    /** Whether enough of every row is left. */
    private boolean holds(TensorScope step, Tensor left, boolean perSample) {
        var ops = backend.elementwise();
        long rows = left.shape().size(2);
        Tensor sums = step.allocate(Shape.of(samples, 2, rows), dtype);
        backend.products().multiply(dots, false, left, false, 1, 0, sums);
        Tensor kept = sums;
        if (!perSample) {
            kept = step.allocate(Shape.of(1, 2, rows), dtype);
            backend.reductions()
                    .reduce(Reduction.SUM, step.view(sums, sums.shape().prepend(1)), 1, 2, kept);
        }
        Region all = Region.all(kept.shape());
        Tensor squares = step.allocate(all.with(1, 0, 1).shape(), dtype);
        Tensor positions = step.allocate(squares.shape(), dtype);
        backend.indexing().extract(kept, all.with(1, 0, 1), squares);
        backend.indexing().extract(kept, all.with(1, 1, 1), positions);
        energy += sum(step, positions);
        ops.affine(positions, LEAST_PART, 0, positions);
        ops.addScaled(-1, squares, positions);
        ops.apply(UnaryOperation.POSITIVE, positions, positions);
        return sum(step, positions) == 0 && energy < Double.POSITIVE_INFINITY;
    }

    private double sum(TensorScope step, Tensor x) {
        Tensor sum = step.allocate(Shape.of(1), dtype);
        backend.reductions()
                .reduce(Reduction.SUM, step.view(x, Shape.of(1, x.shape().elements())), 1, 2, sum);
        return sum.item();
    }

    /**
     * The products of right factors, {@code [N, pairs, K]}, and per sample the sum of each; once more, those of a
     * position with itself alone.
     */
    private void multiplyRights() {
        backend.elementwise().fill(dots, 0);
        Region all = Region.all(dots.shape());
        try (TensorScope step = backend.openScope()) {
            Tensor product = step.allocate(rights.get(0).shape(), dtype);
            Tensor dot = step.allocate(Shape.of(samples), dtype);
            Tensor single = step.view(dot, Shape.of(samples, 1, 1));
            long pair = 0;
            for (int s = 0; s < rights.size(); s++) {
                for (int t = s; t < rights.size(); t++, pair++) {
                    combine(rights.get(s), rights.get(t), product);
                    place(step, product, pair, right);
                    backend.contractions().rowDots(rights.get(s), rights.get(t), dot);
                    backend.indexing().insert(single, all.with(1, 0, 1).with(2, pair, 1), dots);
                    if (s == t) {
                        backend.indexing().insert(single, all.with(1, 1, 1).with(2, pair, 1), dots);
                    }
                }
            }
        }
    }

    /**
     * The products of left factors, weighted, summed over columns, twice where two positions differ: {@code [N, pairs,
     * M]}.
     */
    private Tensor multiplyLefts(TensorScope step, @Nullable Tensor weights) {
        Shape shape = lefts.get(0).shape();
        Shape summedShape = shape.with(0, samples);
        Tensor left = step.allocate(Shape.of(samples, right.shape().size(1), shape.size(1)), dtype);
        Tensor product = step.allocate(shape, dtype);
        Tensor summed = columns == 1 ? product : step.allocate(summedShape, dtype);
        Tensor byColumn = step.view(product, summedShape.prepend(columns));
        long pair = 0;
        for (int s = 0; s < lefts.size(); s++) {
            for (int t = s; t < lefts.size(); t++, pair++) {
                combine(lefts.get(s), lefts.get(t), product);
                if (weights != null) {
                    combine(product, step.view(weights, Shape.of(columns * samples, 1)), product);
                }
                if (columns > 1) {
                    backend.reductions().reduce(Reduction.SUM, byColumn, 0, 1, summed);
                }
                if (s != t) {
                    backend.elementwise().affine(summed, 2, 0, summed);
                }
                place(step, summed, pair, left);
            }
        }
        return left;
    }

    /** Rows of samples as those of a pair. */
    private void place(TensorScope step, Tensor rows, long pair, Tensor destination) {
        Region region = Region.all(destination.shape()).with(1, pair, 1);
        backend.indexing().insert(step.view(rows, region.shape()), region, destination);
    }

    /** The factors of a position, {@code [·, length]}. */
    private Tensor at(Tensor factors, long position) {
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

    private void combine(Tensor a, Tensor b, Tensor destination) {
        backend.elementwise().combine(BinaryOperation.MULTIPLY, a, b, destination);
    }

    /** max(x, 0). */
    private void positive(Tensor x, Tensor destination) {
        try (TensorScope step = backend.openScope()) {
            Tensor zero = step.allocate(Shape.of(1), dtype);
            backend.elementwise().fill(zero, 0);
            backend.elementwise().combine(BinaryOperation.MAXIMUM, x, zero, destination);
        }
    }
}
