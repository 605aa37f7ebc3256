// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * y = weight ⊙ x / √(mean of x² + eps), with the mean over the last axes of a sample.
 *
 * @param normalizedShape the sizes of these axes, and the shape of the weight
 * @param eps what is added to the mean; null for the distance of 1 to the next number of the model's type
 * @param elementwiseAffine whether there is a weight
 */
public record RMSNorm(List<Long> normalizedShape, @Nullable Double eps, boolean elementwiseAffine) implements Module {

    public RMSNorm {
        normalizedShape = List.copyOf(normalizedShape);
        Checks.normalizedShape(type(), normalizedShape);
        if (eps != null) {
            Checks.eps(type(), eps);
        }
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = Checks.endsWith(this, normalizedShape, inputs);
        return Checks.declare(sample, Checks.shape(normalizedShape), elementwiseAffine, false);
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Checks.positions(normalizedShape.size(), outputAxes, inputs.get(0));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        double added = eps != null ? eps : input.dtype() == DType.FLOAT32 ? Math.ulp(1f) : Math.ulp(1.0);
        return NormEvaluation.ofLastAxes(context, input, Checks.shape(normalizedShape), false, added, parameters);
    }
}
