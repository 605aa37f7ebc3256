// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.loss.GradientSampler;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Cross-entropy at N samples with C classes at Q positions; p is the softmax, s what a position counts, c the factor of
 * the reduction.
 */
final class CrossEntropyEvaluation implements LossEvaluation, HessianRoot, GradientSampler, HessianProduct {

    private final EvaluationContext context;
    private final Backend backend;
    private final Elementwise ops;
    private final WeightedClasses targets;
    private final double normaliser;
    private final Tensor logProbabilities;
    private final Shape shape;
    private final long samples;
    private final long classes;
    private final long positions;
    private @Nullable Tensor probabilities;
    private @Nullable TriangularRoot triangular;

    CrossEntropyEvaluation(EvaluationContext context, Tensor output, WeightedClasses targets, double normaliser) {
        this.context = context;
        this.backend = context.backend();
        this.ops = backend.elementwise();
        this.targets = targets;
        this.normaliser = normaliser;
        this.shape = output.shape();
        this.samples = shape.size(0);
        this.classes = shape.size(1);
        this.positions = shape.elements(2, shape.rank());
        this.logProbabilities = context.scope().allocate(shape, output.dtype());
        backend.reductions().logSoftmax(output, 1, logProbabilities);
    }

    /** −Σ_q s_q log p_{n,y,q}, or −Σ_kq a_kq log p_nkq. */
    @Override
    public Tensor values() {
        Tensor values = context.scope().allocate(Shape.of(samples), dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor labels = targets.labels();
            Tensor terms = targets.terms();
            Shape ofTerms = labels == null ? shape : labels.shape();
            long perSample = ofTerms.elements(1, ofTerms.rank());
            Tensor weighted = perSample == 1 ? scope.view(values, ofTerms) : scope.allocate(ofTerms, dtype());
            if (labels != null) {
                backend.indexing().pick(logProbabilities, 1, labels, weighted);
                Tensor sums = targets.sums();
                if (sums != null) {
                    ops.combine(BinaryOperation.MULTIPLY, weighted, sums, weighted);
                }
            } else if (terms != null) {
                ops.combine(BinaryOperation.MULTIPLY, logProbabilities, terms, weighted);
            }
            if (perSample != 1) {
                Tensor rows = scope.view(weighted, Shape.of(samples, perSample));
                backend.reductions().reduce(Reduction.SUM, rows, 1, 2, values);
            }
        }
        ops.affine(values, -1, 0, values);
        return values;
    }

    /** c s (p − onehot(y)), or c (s p − a). */
    @Override
    public Tensor gradient() {
        Tensor gradient = context.scope().allocate(shape.prepend(1), dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor ofSamples = scope.view(gradient, shape);
            ops.apply(UnaryOperation.EXP, logProbabilities, ofSamples);
            if (targets.labels() != null) {
                backend.indexing().addAt(targets.labels(), 1, -1, ofSamples);
            }
            weigh(scope, targets.sums(), ofSamples);
            if (targets.terms() != null) {
                ops.addScaled(-1, targets.terms(), ofSamples);
            }
        }
        ops.affine(gradient, normaliser, 0, gradient);
        return gradient;
    }

    @Override
    public Optional<HessianRoot> hessianRoot() {
        return Optional.of(this);
    }

    @Override
    public Optional<GradientSampler> gradientSampler() {
        return Optional.of(this);
    }

    @Override
    public Optional<HessianProduct> hessianProduct() {
        return Optional.of(this);
    }

    @Override
    public long count() {
        return classes * positions;
    }

    /** Column v·Q + q is zero except at position q, where it is √(c s) √p_v (onehot(v) − p). */
    @Override
    public Tensor columns(long from, long to) {
        long count = to - from;
        Tensor result = context.scope().allocate(shape.prepend(count), dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor labels = OneHot.rows(backend, scope, dtype(), from, to, j -> j / positions, classes, 1);
            Tensor columns = scope.view(result, byPosition(count, samples, classes));
            Tensor ofSamples = scope.view(probabilities(), byPosition(samples, classes));
            Tensor labelColumns = scope.view(labels, withoutPositions(count, 1, classes));
            ops.combine(BinaryOperation.SUBTRACT, labelColumns, ofSamples, columns);
            Tensor factors = factors(scope, from, to);
            Tensor rootSums = targets.rootSums();
            if (rootSums != null) {
                Tensor ofPositions = scope.view(rootSums, byPosition(samples, 1));
                ops.combine(BinaryOperation.MULTIPLY, factors, ofPositions, factors);
            }
            ops.combine(BinaryOperation.MULTIPLY, columns, factors, columns);
        }
        return result;
    }

    @Override
    public Optional<SuperposedRoot> superposed() {
        return triangular().superposed();
    }

    @Override
    public HessianRoot reduced() {
        return triangular();
    }

    private TriangularRoot triangular() {
        TriangularRoot known = triangular;
        if (known == null) {
            known = new TriangularRoot(context, probabilities(), targets.rootSums(), normaliser);
            triangular = known;
        }
        return known;
    }

    /**
     * √c √p_v at position q of column v·Q + q, zero at its other positions: {@code [columns, N, 1, Q]}, without the
     * last axis if Q is 1.
     */
    private Tensor factors(TensorScope scope, long from, long to) {
        long count = to - from;
        Tensor rows = scope.view(logProbabilities, Shape.of(samples, classes * positions));
        Tensor logarithms = scope.allocate(Shape.of(samples, count), dtype());
        backend.indexing().extract(rows, Region.all(rows.shape()).with(1, from, count), logarithms);
        Tensor roots = scope.allocate(Shape.of(count, samples), dtype());
        backend.indexing().permute(logarithms, new int[] {1, 0}, roots);
        ops.affine(roots, 0.5, 0, roots);
        ops.apply(UnaryOperation.EXP, roots, roots);
        ops.affine(roots, Math.sqrt(normaliser), 0, roots);
        Tensor ofColumns = scope.view(roots, withoutPositions(count, samples, 1));
        if (positions == 1) {
            return ofColumns;
        }
        Tensor places = OneHot.rows(backend, scope, dtype(), from, to, j -> j % positions, positions, 1);
        Tensor factors = scope.allocate(Shape.of(count, samples, 1, positions), dtype());
        ops.combine(BinaryOperation.MULTIPLY, ofColumns, scope.view(places, Shape.of(count, 1, 1, positions)), factors);
        return factors;
    }

    /** √(c s/M) (p − onehot(ỹ)), ỹ drawn from p; s is the observed target's. */
    @Override
    public Tensor columns(RandomKey key, int from, int to, int total) {
        Tensor result = context.scope().allocate(shape.prepend(to - from), dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor labels = scope.allocate(shape.dropFirst(2).prepend(samples), DType.INT64);
            for (int draw = from; draw < to; draw++) {
                Tensor row = scope.rows(result, draw - from, draw - from + 1);
                Tensor column = scope.view(row, shape);
                backend.random().categorical(key.draw(draw), context.sampleIds(), probabilities(), labels);
                ops.copy(probabilities(), column);
                backend.indexing().addAt(labels, 1, -1, column);
            }
            weigh(scope, targets.rootSums(), result);
        }
        ops.affine(result, Math.sqrt(normaliser / total), 0, result);
        return result;
    }

    /** c s p ⊙ (t − pᵀt). */
    @Override
    public Tensor multiply(Tensor tangents) {
        long count = tangents.shape().size(0);
        Tensor result = context.scope().allocate(tangents.shape(), dtype());
        ops.combine(BinaryOperation.MULTIPLY, tangents, probabilities(), result);
        try (TensorScope scope = backend.openScope()) {
            Tensor means = scope.allocate(shape.dropFirst(2).prepend(count, samples), dtype());
            backend.reductions().reduce(Reduction.SUM, result, 2, 3, means);
            Tensor stretched = scope.view(means, shape.with(1, 1).prepend(count));
            ops.combine(BinaryOperation.SUBTRACT, tangents, stretched, result);
        }
        ops.combine(BinaryOperation.MULTIPLY, result, probabilities(), result);
        try (TensorScope scope = backend.openScope()) {
            weigh(scope, targets.sums(), result);
        }
        ops.affine(result, normaliser, 0, result);
        return result;
    }

    /** Multiplies {@code [N, C, *]}, or columns of such, by numbers of positions. */
    private void weigh(TensorScope scope, @Nullable Tensor factors, Tensor columns) {
        if (factors != null) {
            ops.combine(BinaryOperation.MULTIPLY, columns, scope.view(factors, shape.with(1, 1)), columns);
        }
    }

    private Tensor probabilities() {
        Tensor known = probabilities;
        if (known == null) {
            known = context.scope().allocate(shape, dtype());
            ops.apply(UnaryOperation.EXP, logProbabilities, known);
            probabilities = known;
        }
        return known;
    }

    /** Sizes and the positions behind them, if there are several. */
    private Shape byPosition(long... sizes) {
        return positions == 1 ? Shape.of(sizes) : Shape.of(sizes).append(positions);
    }

    /** Sizes and one position behind them, if there are several in the shapes that this one is combined with. */
    private Shape withoutPositions(long... sizes) {
        return positions == 1 ? Shape.of(sizes) : Shape.of(sizes).append(1);
    }

    private DType dtype() {
        return logProbabilities.dtype();
    }
}
