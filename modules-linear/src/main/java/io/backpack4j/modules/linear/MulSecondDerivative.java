package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The second derivative of a product: by two different inputs it is the gradient times all other factors, by one twice it is zero.
 *
 * @param factors each {@code [N, *in]}
 */
record MulSecondDerivative(List<Tensor> factors) implements ParameterlessEvaluation.SecondDerivative {

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return new MulCurvature(factors.size(), couplings(context, gradient(context, cotangents)));
    }

    /** Input i pulls back g ⊙ (all factors but i), to which the product rule applies as if g were input i, which stands still. */
    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Tensor gradient = gradient(context, cotangents);
        return index -> {
            List<Tensor> pulledBack = new ArrayList<>(factors);
            pulledBack.set(index, gradient);
            return Mul.productRule(context, tangents, pulledBack, index);
        };
    }

    /** {@code [1, N, *]} as {@code [N, *]}. */
    private Tensor gradient(EvaluationContext context, Tensor cotangents) {
        return context.scope().view(cotangents, factors.get(0).shape());
    }

    /** The gradient times all factors but two, for every pair of inputs. */
    private List<Tensor> couplings(EvaluationContext context, Tensor gradient) {
        List<Tensor> couplings = new ArrayList<>();
        for (int first = 0; first < factors.size(); first++) {
            for (int second = first + 1; second < factors.size(); second++) {
                List<Tensor> others = Mul.without(Mul.without(factors, second), first);
                couplings.add(others.isEmpty() ? gradient : Mul.product(context, gradient, others));
            }
        }
        return couplings;
    }
}
