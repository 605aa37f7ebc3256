// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * y = weight ⊙ (x − mean) / √(variance + eps) + bias, with mean and variance over the last axes of a sample.
 *
 * @param normalizedShape the sizes of these axes, and the shape of the parameters
 * @param eps what is added to the variance
 * @param elementwiseAffine whether there is a weight
 * @param bias whether there is a bias, if there is a weight
 */
public record LayerNorm(List<Long> normalizedShape, double eps, boolean elementwiseAffine, boolean bias)
        implements Module {

    public LayerNorm {
        normalizedShape = List.copyOf(normalizedShape);
        Checks.normalizedShape(type(), normalizedShape);
        Checks.eps(type(), eps);
    }

    /** With eps 1e-5, weight and bias. */
    public static LayerNorm of(long... normalizedShape) {
        return new LayerNorm(Arrays.stream(normalizedShape).boxed().toList(), 1e-5, true, true);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = Checks.endsWith(this, normalizedShape, inputs);
        return Checks.declare(sample, Checks.shape(normalizedShape), elementwiseAffine, elementwiseAffine && bias);
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Checks.positions(normalizedShape.size(), outputAxes, inputs.get(0));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return NormEvaluation.ofLastAxes(context, inputs.get(0), Checks.shape(normalizedShape), true, eps, parameters);
    }
}
