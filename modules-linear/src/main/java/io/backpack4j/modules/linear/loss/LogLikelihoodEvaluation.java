// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** The logarithms that the targets pick, at N samples. */
final class LogLikelihoodEvaluation implements LossEvaluation {

    private final EvaluationContext context;
    private final Backend backend;
    private final Tensor output;
    private final ClassTargets targets;
    private final double normaliser;

    LogLikelihoodEvaluation(EvaluationContext context, Tensor output, ClassTargets targets, double normaliser) {
        this.context = context;
        this.backend = context.backend();
        this.output = output;
        this.targets = targets;
        this.normaliser = normaliser;
    }

    @Override
    public Tensor values() {
        long samples = output.shape().size(0);
        Tensor values = context.scope().allocate(Shape.of(samples), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Shape shape = targets.labels().shape();
            Tensor picked = scope.allocate(shape, output.dtype());
            backend.indexing().pick(output, 1, targets.labels(), picked);
            Tensor factors = targets.factors();
            if (factors != null) {
                backend.elementwise().combine(BinaryOperation.MULTIPLY, picked, factors, picked);
            }
            Tensor rows = scope.view(picked, Shape.of(samples, shape.elements(1, shape.rank())));
            backend.reductions().reduce(Reduction.SUM, rows, 1, 2, values);
        }
        backend.elementwise().affine(values, -1, 0, values);
        return values;
    }

    /** −c w_y at the targets' classes. */
    @Override
    public Tensor gradient() {
        Tensor gradient = context.scope().allocate(output.shape().prepend(1), output.dtype());
        backend.elementwise().fill(gradient, 0);
        try (TensorScope scope = backend.openScope()) {
            Tensor ofSamples = scope.view(gradient, output.shape());
            backend.indexing().addAt(targets.labels(), 1, -normaliser, ofSamples);
            Tensor factors = targets.factors();
            if (factors != null) {
                Tensor stretched = scope.view(factors, output.shape().with(1, 1));
                backend.elementwise().combine(BinaryOperation.MULTIPLY, ofSamples, stretched, ofSamples);
            }
        }
        return gradient;
    }

    @Override
    public Optional<HessianRoot> hessianRoot() {
        return Optional.of(new ZeroHessian(context, output));
    }

    @Override
    public Optional<HessianProduct> hessianProduct() {
        return Optional.of(new ZeroHessian(context, output));
    }
}
