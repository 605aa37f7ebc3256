// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The second derivative of a product: by two different inputs it is the gradient times all other factors, by one twice
 * it is zero.
 *
 * @param factors each {@code [N, *in]}
 * @param output one sample's output
 */
record MulSecondDerivative(List<Tensor> factors, Shape output) implements ParameterlessEvaluation.SecondDerivative {

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return new CouplingCurvature(Checks.samples(factors), couplings(context, gradient(context, cotangents)));
    }

    /**
     * Input i pulls back g ⊙ (all factors but i), to which the product rule applies as if g were input i, which stands
     * still.
     */
    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Tensor gradient = gradient(context, cotangents);
        return index -> {
            List<Tensor> pulledBack = new ArrayList<>(factors);
            pulledBack.set(index, gradient);
            Shape input = factors.get(index).shape().dropFirst(1);
            return Mul.productRule(context, tangents, pulledBack, index, gradient.shape())
                    .map(change -> Broadcast.reduced(context, context.scope(), change, input));
        };
    }

    /** {@code [1, N, *]} as {@code [N, *]}. */
    private Tensor gradient(EvaluationContext context, Tensor cotangents) {
        return context.scope()
                .view(cotangents, output.prepend(factors.get(0).shape().size(0)));
    }

    /** The gradient times all factors but two, for every pair of inputs. */
    private List<CouplingCurvature.Coupling> couplings(EvaluationContext context, Tensor gradient) {
        List<CouplingCurvature.Coupling> couplings = new ArrayList<>();
        for (int first = 0; first < factors.size(); first++) {
            for (int second = first + 1; second < factors.size(); second++) {
                List<Tensor> others = Mul.without(Mul.without(factors, second), first);
                Tensor product = others.isEmpty()
                        ? gradient
                        : Mul.product(context, context.scope(), gradient, others, gradient.shape());
                couplings.add(new CouplingCurvature.Coupling(first, second, product));
            }
        }
        return couplings;
    }
}
