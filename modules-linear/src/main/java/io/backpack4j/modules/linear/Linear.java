// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * y = x · weightᵀ + bias along the last axis: {@code [N, *, in]} to {@code [N, *, out]}. The axes between are positions
 * that share the weight {@code [out, in]} and the bias {@code [out]}.
 *
 * @param inFeatures the size of the input's last axis
 * @param outFeatures the size of the output's last axis
 * @param bias whether there is a bias
 */
public record Linear(long inFeatures, long outFeatures, boolean bias) implements Module {

    static final String WEIGHT = "weight";
    static final String BIAS = "bias";

    public Linear {
        ModuleChecks.positive(type(), "in_features", inFeatures);
        ModuleChecks.positive(type(), "out_features", outFeatures);
    }

    /** With a bias. */
    public Linear(long inFeatures, long outFeatures) {
        this(inFeatures, outFeatures, true);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape input = ModuleChecks.single(this, inputs);
        if (input.rank() == 0 || input.size(-1) != inFeatures) {
            throw ModuleChecks.mismatch(
                    this,
                    "has in_features = %d, so the last axis of its input needs that size, but samples have shape %s. %s"
                            .formatted(inFeatures, input, remedy(input)));
        }
        Initializer initializer = Initializer.fanIn(inFeatures);
        ModuleDeclaration declaration = ModuleDeclaration.output(input.with(-1, outFeatures))
                .retainInputs()
                .shareJacobian()
                .parameter(ParameterSpec.parameter(WEIGHT, Shape.of(outFeatures, inFeatures), initializer)
                        .withKronecker(KroneckerSizes.matrix(outFeatures, inFeatures)));
        return bias
                ? declaration.parameter(ParameterSpec.parameter(BIAS, Shape.of(outFeatures), initializer))
                : declaration;
    }

    /** The weight is shared by all axes but the last: it treats these on their own, and no others. */
    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        int features = inputs.get(0).rank() - 1;
        boolean exactly = outputAxes.size() == features && !outputAxes.contains(features);
        return exactly ? Optional.of(outputAxes) : Optional.empty();
    }

    private String remedy(Shape input) {
        return input.elements() == inFeatures
                ? "Put a Flatten before it."
                : "Change in_features, or what comes before.";
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Tensor weight = ModuleChecks.parameter(parameters, WEIGHT);
        Tensor output = context.scope().allocate(input.shape().with(-1, outFeatures), input.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            Tensor rows = rows(scope, input);
            Tensor target = rows(scope, output);
            if (bias) {
                context.backend().products().linear(rows, weight, ModuleChecks.parameter(parameters, BIAS), target);
            } else {
                context.backend().products().multiply(rows, false, weight, true, 1, 0, target);
            }
        }
        return new LinearEvaluation(this, input, weight, output);
    }

    /** All axes but the last as one. */
    static Tensor rows(TensorScope scope, Tensor tensor) {
        Shape shape = tensor.shape();
        return scope.view(tensor, Shape.of(shape.elements(0, shape.rank() - 1), shape.size(-1)));
    }
}
