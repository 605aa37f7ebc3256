// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Sets elements to zero with probability p and divides the others by 1 − p. Which ones depends on the seed, the node,
 * the sample's id and the position, and on nothing else.
 *
 * @param p the probability, from 0 to 1
 * @param mode whether it drops at all: in EVAL the output is the input
 */
public record Dropout(double p, Mode mode) implements Module {

    public Dropout {
        if (!(p >= 0 && p <= 1)) {
            throw ModuleChecks.invalid(type(), "p", p, "a probability from 0 to 1");
        }
    }

    /** In training mode. */
    public Dropout(double p) {
        this(p, Mode.TRAIN);
    }

    /** With p = 0.5, in training mode. */
    public Dropout() {
        this(0.5);
    }

    @Override
    public boolean isView() {
        return dropsNothing();
    }

    @Override
    public Dropout inMode(Mode other) {
        return new Dropout(p, other);
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
        Tensor mask = mask(context, p, input.shape(), input.dtype());
        return ParameterlessEvaluation.ofOneInput(
                masked(context, input, mask),
                (forward, tangents) -> masked(forward, tangents, mask),
                (pullback, cotangents) -> masked(pullback, cotangents, mask));
    }

    private boolean dropsNothing() {
        return mode == Mode.EVAL || p == 0;
    }

    /**
     * 1/(1 − p) where a uniform number exceeds p, else 0. Compared in double precision, so that all types and backends
     * drop the same.
     *
     * @param shape {@code [N, *]}
     */
    static Tensor mask(EvaluationContext context, double p, Shape shape, DType dtype) {
        Backend backend = context.backend();
        Tensor mask = context.scope().allocate(shape, dtype);
        try (TensorScope scope = backend.openScope()) {
            Tensor uniform = scope.allocate(shape, DType.FLOAT64);
            backend.random().uniform(context.randomKey(), context.sampleIds(), uniform);
            backend.elementwise().affine(uniform, 1, -p, uniform);
            backend.elementwise().apply(UnaryOperation.POSITIVE, uniform, uniform);
            backend.elementwise().copy(uniform, mask);
        }
        backend.elementwise().affine(mask, p == 1 ? 0 : 1 / (1 - p), 0, mask);
        return mask;
    }

    private static Tensor masked(EvaluationContext context, Tensor x, Tensor mask) {
        Tensor result = context.scope().allocate(x.shape(), x.dtype());
        context.backend().elementwise().combine(BinaryOperation.MULTIPLY, x, mask, result);
        return result;
    }
}
