package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.loss.GradientSampler;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** A loss that treats every one of the D elements of a sample's output on its own, so that its Hessian is diagonal. */
abstract class ElementEvaluation implements LossEvaluation, HessianRoot, GradientSampler, HessianProduct {

    final EvaluationContext context;
    final Backend backend;
    final Elementwise ops;
    final Tensor output;
    final double normaliser;
    final long samples;
    final long elements;
    private final Tensor targets;

    ElementEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        this.context = context;
        this.backend = context.backend();
        this.ops = backend.elementwise();
        this.output = output;
        this.targets = targets;
        this.normaliser = normaliser;
        this.samples = output.shape().size(0);
        this.elements = output.shape().elements(1, output.shape().rank());
    }

    /** Writes the loss of every element, with the shape of the output. */
    abstract void writeTerms(TensorScope scope, Tensor typedTargets, Tensor destination);

    /** Writes the derivative of every element's loss, with the shape of the output. */
    abstract void writeDerivatives(TensorScope scope, Tensor typedTargets, Tensor destination);

    /** Writes the derivative at drawn targets, for one draw, with the shape of the output. */
    abstract void writeDrawn(TensorScope scope, RandomKey key, Tensor destination);

    @Override
    public final Tensor values() {
        Tensor values = context.scope().allocate(Shape.of(samples), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor terms = scope.allocate(output.shape(), output.dtype());
            writeTerms(scope, typedTargets(scope), terms);
            Tensor rows = scope.view(terms, Shape.of(samples, elements));
            backend.reductions().reduce(Reduction.SUM, rows, 1, 2, values);
        }
        return values;
    }

    @Override
    public final Tensor gradient() {
        Tensor gradient = context.scope().allocate(output.shape().prepend(1), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            writeDerivatives(scope, typedTargets(scope), scope.view(gradient, output.shape()));
        }
        ops.affine(gradient, normaliser, 0, gradient);
        return gradient;
    }

    /** √(c/M) times the derivatives at drawn targets. */
    @Override
    public final Tensor columns(RandomKey key, int from, int to, int total) {
        Tensor result = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
        for (int draw = from; draw < to; draw++) {
            try (TensorScope scope = backend.openScope()) {
                Tensor row = scope.rows(result, draw - from, draw - from + 1);
                writeDrawn(scope, key.draw(draw), scope.view(row, output.shape()));
            }
        }
        ops.affine(result, Math.sqrt(normaliser / total), 0, result);
        return result;
    }

    @Override
    public final long count() {
        return elements;
    }

    @Override
    public final Optional<HessianRoot> hessianRoot() {
        return Optional.of(this);
    }

    @Override
    public final Optional<GradientSampler> gradientSampler() {
        return Optional.of(this);
    }

    @Override
    public final Optional<HessianProduct> hessianProduct() {
        return Optional.of(this);
    }

    /** The unit vectors from {@code from} to {@code to}, times a value: {@code [to − from, 1, D]}. */
    final Tensor unitVectors(TensorScope scope, long from, long to, double value) {
        Tensor rows = OneHot.rows(backend, scope, output.dtype(), from, to, j -> j, elements, value);
        return scope.view(rows, Shape.of(to - from, 1, elements));
    }

    /** The targets in the output's type. */
    private Tensor typedTargets(TensorScope scope) {
        DType dtype = output.dtype();
        if (targets.dtype() == dtype) {
            return targets;
        }
        Tensor typed = scope.allocate(targets.shape(), dtype);
        ops.copy(targets, typed);
        return typed;
    }
}
