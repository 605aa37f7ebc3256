// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A third party's module with two inputs and a parameter that knows nothing but its per-sample gradients: y = gain ⊙ a
 * ⊙ b.
 */
record GatedSquare() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(inputs.get(0))
                .parameter(ParameterSpec.parameter("gain", inputs.get(0), new Initializer.Constant(1.5)))
                .retainInputs();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor gain = Objects.requireNonNull(parameters.get("gain"));
        Tensor product =
                multiply(context, inputs.get(0), inputs.get(1), inputs.get(0).shape());
        Tensor output = multiply(context, product, gain, product.shape());
        return new Evaluation() {
            @Override
            public Tensor output() {
                return output;
            }

            @Override
            public Pullback pullback(EvaluationContext back, Tensor cotangents) {
                return new Pullback() {
                    @Override
                    public Tensor input(int index) {
                        Tensor scaled = multiply(back, cotangents, gain, cotangents.shape());
                        return multiply(back, scaled, inputs.get(1 - index), cotangents.shape());
                    }

                    @Override
                    public ParameterDerivatives parameter(String name) {
                        Tensor gradients = multiply(back, cotangents, product, cotangents.shape());
                        return new GainDerivatives(back.backend(), gain.shape(), gradients);
                    }
                };
            }
        };
    }

    private static Tensor multiply(EvaluationContext context, Tensor a, Tensor b, Shape shape) {
        Tensor result = context.scope().allocate(shape, a.dtype());
        context.backend().elementwise().combine(BinaryOperation.MULTIPLY, a, b, result);
        return result;
    }

    /** Per-sample gradients that are there. */
    private static final class GainDerivatives extends ParameterDerivatives {

        private final Tensor gradients;

        GainDerivatives(Backend backend, Shape parameter, Tensor gradients) {
            super(
                    backend,
                    parameter,
                    gradients.dtype(),
                    gradients.shape().size(0),
                    gradients.shape().size(1));
            this.gradients = gradients;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            try (var scope = backend().openScope()) {
                for (long column = block.fromColumn(); column < block.toColumn(); column++) {
                    Tensor ofColumn = scope.view(
                            scope.rows(gradients, column, column + 1),
                            parameter().prepend(samples()));
                    Tensor target =
                            scope.rows(destination, column - block.fromColumn(), column - block.fromColumn() + 1);
                    backend()
                            .elementwise()
                            .copy(
                                    scope.rows(ofColumn, block.fromSample(), block.toSample()),
                                    scope.view(target, parameter().prepend(block.samples())));
                }
            }
        }
    }
}
