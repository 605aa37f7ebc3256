// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Sets whole samples to zero with probability p and divides the others by 1 − p (Huang et al. 2016; mode {@code row} of
 * torchvision's). Which ones depends on the seed, the node and the sample's id, and on nothing else.
 *
 * @param p the probability, from 0 to 1
 * @param mode whether it drops at all: in EVAL the output is the input
 */
public record StochasticDepth(double p, Mode mode) implements Module {

    public StochasticDepth {
        if (!(p >= 0 && p <= 1)) {
            throw ModuleChecks.invalid(type(), "p", p, "a probability from 0 to 1");
        }
    }

    /** In training mode. */
    public StochasticDepth(double p) {
        this(p, Mode.TRAIN);
    }

    @Override
    public boolean isView() {
        return dropsNothing();
    }

    @Override
    public StochasticDepth inMode(Mode other) {
        return new StochasticDepth(p, other);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        ModuleDeclaration declaration = ModuleDeclaration.output(ModuleChecks.single(this, inputs));
        return dropsNothing() ? declaration.shareJacobian() : declaration;
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.of(outputAxes);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        if (dropsNothing()) {
            return Identity.of(context, input);
        }
        Tensor factors = factors(context, input);
        return ParameterlessEvaluation.ofOneInput(
                scaled(context, input, factors),
                (forward, tangents) -> scaled(forward, tangents, factors),
                (pullback, cotangents) -> scaled(pullback, cotangents, factors));
    }

    private boolean dropsNothing() {
        return mode == Mode.EVAL || p == 0;
    }

    /** 1/(1 − p) or 0 per sample, {@code [N, 1, …]}. */
    private Tensor factors(EvaluationContext context, Tensor input) {
        Shape shape = Shape.of(input.shape().size(0));
        for (int axis = 1; axis < input.shape().rank(); axis++) {
            shape = shape.append(1);
        }
        return Dropout.mask(context, p, shape, input.dtype());
    }

    private static Tensor scaled(EvaluationContext context, Tensor x, Tensor factors) {
        Tensor result = context.scope().allocate(x.shape(), x.dtype());
        context.backend().elementwise().combine(BinaryOperation.MULTIPLY, x, factors, result);
        return result;
    }
}
