// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The lower triangular root of the Hessian c (diag p − p pᵀ) of a cross-entropy, or c s times that. With the tails R_v
 * = Σ_{i≥v} p_i, column v is d_v = √(c p_v R_{v+1} / R_v) at class v and −d_v p_i / R_{v+1} at the classes i > v. The
 * last column is zero and left out: one column fewer than classes. Nothing is subtracted, so entries keep their digits
 * however close to 1 a probability is.
 */
final class TriangularRoot implements HessianRoot {

    private final EvaluationContext context;
    private final Backend backend;
    private final Elementwise ops;
    private final Tensor probabilities;
    private final Shape shape;
    private final long samples;
    private final long classes;
    private final long positions;

    /** How many columns there are at every position. */
    private final long count;

    /** R_v from v = 0 to C, 1 where that is zero: what to divide by, {@code [(C + 1) · Q, N]}. */
    private final Tensor tails;

    /** d_v, {@code [count · Q, N]}. */
    private final Tensor diagonals;

    /**
     * Of some samples.
     *
     * @param probabilities {@code [N, C, *positions]}
     * @param rootSums √s, the root of what every position counts, {@code [N, *positions]}; null if all are 1
     * @param normaliser c
     */
    TriangularRoot(EvaluationContext context, Tensor probabilities, @Nullable Tensor rootSums, double normaliser) {
        this.context = context;
        this.backend = context.backend();
        this.ops = backend.elementwise();
        this.probabilities = probabilities;
        this.shape = probabilities.shape();
        this.samples = shape.size(0);
        this.classes = shape.size(1);
        this.positions = shape.elements(2, shape.rank());
        this.count = Math.max(1, classes - 1);
        DType dtype = probabilities.dtype();
        this.tails = context.scope().allocate(Shape.of((classes + 1) * positions, samples), dtype);
        this.diagonals = context.scope().allocate(Shape.of(count * positions, samples), dtype);
        try (TensorScope scope = backend.openScope()) {
            Tensor byClass = scope.allocate(Shape.of(classes * positions, samples), dtype);
            backend.indexing()
                    .permute(
                            scope.view(probabilities, Shape.of(samples, classes, positions)),
                            new int[] {1, 2, 0},
                            scope.view(byClass, Shape.of(classes, positions, samples)));
            ops.fill(rowsOf(scope, tails, classes, classes + 1), 0);
            for (long v = classes - 1; v >= 0; v--) {
                ops.combine(
                        BinaryOperation.ADD,
                        rowsOf(scope, tails, v + 1, v + 2),
                        rowsOf(scope, byClass, v, v + 1),
                        rowsOf(scope, tails, v, v + 1));
            }
            ops.copy(rowsOf(scope, tails, 1, count + 1), diagonals);
            makeDivisorsOfTails(scope);
            ops.combine(BinaryOperation.DIVIDE, diagonals, rowsOf(scope, tails, 0, count), diagonals);
            ops.combine(BinaryOperation.MULTIPLY, diagonals, rowsOf(scope, byClass, 0, count), diagonals);
            ops.apply(UnaryOperation.SQRT, diagonals, diagonals);
            ops.affine(diagonals, Math.sqrt(normaliser), 0, diagonals);
            if (rootSums != null) {
                Tensor byPosition = scope.allocate(Shape.of(positions, samples), dtype);
                Tensor ofSamples = scope.view(rootSums, Shape.of(samples, positions));
                backend.indexing().permute(ofSamples, new int[] {1, 0}, byPosition);
                Tensor byColumn = scope.view(diagonals, Shape.of(count, positions, samples));
                ops.combine(BinaryOperation.MULTIPLY, byColumn, byPosition, byColumn);
            }
        }
    }

    /** Makes divisors of the tails: 1 where a tail is zero, for all that is divided by it is zero too. */
    private void makeDivisorsOfTails(TensorScope scope) {
        Tensor zeros = scope.allocate(tails.shape(), tails.dtype());
        ops.apply(UnaryOperation.POSITIVE, tails, zeros);
        ops.affine(zeros, -1, 1, zeros);
        ops.addScaled(1, zeros, tails);
    }

    /** The rows of some classes, at all positions. */
    private Tensor rowsOf(TensorScope scope, Tensor rows, long from, long to) {
        return scope.rows(rows, from * positions, to * positions);
    }

    @Override
    public long count() {
        return count * positions;
    }

    /** Column v·Q + q is zero except at position q. */
    @Override
    public Tensor columns(long from, long to) {
        try (TensorScope scope = backend.openScope()) {
            Tensor divisors = scope.rows(tails, from + positions, to + positions);
            Tensor factors = scope.rows(diagonals, from, to);
            Shape perColumn = withoutPositions(to - from, samples, 1);
            Tensor places = positions > 1
                    ? scope.view(
                            OneHot.rows(
                                    backend, scope, probabilities.dtype(), from, to, j -> j % positions, positions, 1),
                            Shape.of(to - from, 1, 1, positions))
                    : null;
            return columns(
                    scope,
                    from,
                    to,
                    j -> j / positions,
                    places,
                    scope.view(divisors, perColumn),
                    scope.view(factors, perColumn));
        }
    }

    @Override
    public Optional<SuperposedRoot> superposed() {
        return Optional.of(new Superposed());
    }

    /** Column v at every position. */
    private final class Superposed implements SuperposedRoot {

        @Override
        public long count() {
            return count;
        }

        @Override
        public Tensor columns(long from, long to) {
            try (TensorScope scope = backend.openScope()) {
                Tensor divisors = samplesFirst(scope, rowsOf(scope, tails, from + 1, to + 1));
                Tensor factors = samplesFirst(scope, rowsOf(scope, diagonals, from, to));
                return TriangularRoot.this.columns(scope, from, to, v -> v, null, divisors, factors);
            }
        }

        /** {@code [columns, N, 1, Q]} of {@code [columns · Q, N]}, without the last axis if Q is 1. */
        private Tensor samplesFirst(TensorScope scope, Tensor rows) {
            long columns = rows.shape().size(0) / positions;
            Tensor permuted = scope.allocate(Shape.of(columns, samples, positions), rows.dtype());
            Tensor split = scope.view(rows, Shape.of(columns, positions, samples));
            backend.indexing().permute(split, new int[] {0, 2, 1}, permuted);
            return scope.view(permuted, byPosition(columns, samples, 1));
        }
    }

    /**
     * Columns of which {@code classOf} says at which class they begin.
     *
     * @param places 1 at the column's position, 0 at others, if columns are zero at all but one
     * @param divisors R_{v+1} there
     * @param factors d_v
     */
    private Tensor columns(
            TensorScope scope,
            long from,
            long to,
            LongUnaryOperator classOf,
            @Nullable Tensor places,
            Tensor divisors,
            Tensor factors) {
        long some = to - from;
        Tensor result = context.scope().allocate(shape.prepend(some), probabilities.dtype());
        Tensor columns = scope.view(result, byPosition(some, samples, classes));
        Tensor ofSamples = scope.view(probabilities, byPosition(samples, classes));
        Shape perClass = withoutPositions(some, 1, classes);
        Tensor below = scope.allocate(Shape.of(some, classes), probabilities.dtype());
        double[] signs = new double[Math.toIntExact(classes)];
        for (long j = from; j < to; j++) {
            int first = (int) classOf.applyAsLong(j) + 1;
            Arrays.fill(signs, 0, first, 0);
            Arrays.fill(signs, first, signs.length, -1);
            below.write((j - from) * classes, signs, 0, signs.length);
        }
        // Masked before they are divided: what is left is at most its divisor, and no quotient overflows.
        ops.combine(BinaryOperation.MULTIPLY, ofSamples, scope.view(below, perClass), columns);
        if (places != null) {
            ops.combine(BinaryOperation.MULTIPLY, columns, places, columns);
        }
        ops.combine(BinaryOperation.DIVIDE, columns, divisors, columns);
        Tensor first = OneHot.rows(backend, scope, probabilities.dtype(), from, to, classOf, classes, 1);
        ops.combine(BinaryOperation.ADD, columns, scope.view(first, perClass), columns);
        ops.combine(BinaryOperation.MULTIPLY, columns, factors, columns);
        if (places != null) {
            ops.combine(BinaryOperation.MULTIPLY, columns, places, columns);
        }
        return result;
    }

    /** Sizes and the positions behind them, if there are several. */
    private Shape byPosition(long... sizes) {
        return positions == 1 ? Shape.of(sizes) : Shape.of(sizes).append(positions);
    }

    /** Sizes and one position behind them, if there are several in the shapes that this one is combined with. */
    private Shape withoutPositions(long... sizes) {
        return positions == 1 ? Shape.of(sizes) : Shape.of(sizes).append(1);
    }
}
