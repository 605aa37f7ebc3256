// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A trained tensor, the same for every sample, such as the embedding of positions or a class token. Its input says how
 * many samples there are, and no more: it may hold numbers of any type.
 *
 * @param shape the shape of its parameter {@code weight} and of one sample's output. First numbers are normal, with
 *     standard deviation 0.02
 */
public record Parameter(List<Long> shape) implements Module {

    private static final String WEIGHT = "weight";

    public Parameter {
        shape = List.copyOf(shape);
        shape.forEach(size -> ModuleChecks.positive(type(), "shape", size));
    }

    private Shape sample() {
        return Shape.of(shape.stream().mapToLong(Long::longValue).toArray());
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        ModuleChecks.single(this, inputs);
        return ModuleDeclaration.output(sample())
                .shareJacobian()
                .parameter(ParameterSpec.parameter(WEIGHT, sample(), new Initializer.Normal(0.02)));
    }

    @Override
    public boolean takesAnyType(int input) {
        return true;
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape input = inputs.get(0).shape();
        Tensor weight = ModuleChecks.parameter(parameters, WEIGHT);
        Tensor output = context.scope().allocate(sample().prepend(input.size(0)), weight.dtype());
        repeat(context.backend(), weight, output);
        return new Repeated(output, input);
    }

    /** Adds to zeros what stretches over them. */
    private static void repeat(Backend backend, Tensor values, Tensor destination) {
        backend.elementwise().fill(destination, 0);
        backend.elementwise().combine(BinaryOperation.ADD, destination, values, destination);
    }

    /**
     * The evaluation.
     *
     * @param output the parameter for every sample, {@code [N, *shape]}
     * @param input the input's shape, {@code [N, *in]}
     */
    private record Repeated(Tensor output, Shape input) implements Evaluation {

        private Shape parameter() {
            return output.shape().dropFirst(1);
        }

        private static Tensor zeros(EvaluationContext context, Shape shape, DType dtype) {
            Tensor zeros = context.scope().allocate(shape, dtype);
            context.backend().elementwise().fill(zeros, 0);
            return zeros;
        }

        @Override
        public Pullback pullback(EvaluationContext context, Tensor cotangents) {
            long columns = cotangents.shape().size(0);
            return new Pullback() {
                @Override
                public Tensor input(int index) {
                    return zeros(context, input.prepend(columns), cotangents.dtype());
                }

                @Override
                public ParameterDerivatives parameter(String name) {
                    if (!name.equals(WEIGHT)) {
                        return Pullback.super.parameter(name);
                    }
                    Shape rows = Shape.of(
                            columns, input.size(0), 1, Repeated.this.parameter().elements());
                    Tensor view = context.scope().view(cotangents, rows);
                    return BiasDerivatives.channelsLast(context.backend(), view, Repeated.this.parameter());
                }
            };
        }

        @Override
        public Tensor pushforward(EvaluationContext context, Tangents tangents) {
            Shape shape = output.shape().prepend(tangents.columns());
            Optional<Tensor> tangent = tangents.parameter(WEIGHT);
            if (tangent.isEmpty()) {
                return zeros(context, shape, output.dtype());
            }
            Tensor result = context.scope().allocate(shape, output.dtype());
            try (TensorScope scope = context.backend().openScope()) {
                Tensor stretched = scope.view(tangent.get(), parameter().prepend(tangents.columns(), 1));
                repeat(context.backend(), stretched, result);
            }
            return result;
        }

        @Override
        public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
            return PullbackTangent.zero();
        }

        @Override
        public boolean isAffineInParameters() {
            return true;
        }

        @Override
        public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
            return Optional.of(Curvature.zero());
        }
    }
}
