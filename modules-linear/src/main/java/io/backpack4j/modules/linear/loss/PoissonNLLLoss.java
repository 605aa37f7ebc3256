// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/**
 * ℓ_n = Σ_d of e^f − t f, f being the logarithm of the mean of a Poisson distribution, or of f − t log(f + ε), f being
 * the mean itself. Outputs f and targets t have one shape
 * {@code [N, *]}. The mean is over all N·D elements.
 *
 * @param logInput whether outputs are logarithms
 * @param full whether Stirling's approximation of log t! is added, for targets above 1
 * @param eps ε, above 0
 * @param reduction how terms are joined
 */
public record PoissonNLLLoss(boolean logInput, boolean full, double eps, LossReduction reduction) implements Loss {

    private static final double EPS = 1e-8;

    public PoissonNLLLoss {
        LossArguments.require(eps > 0, "PoissonNLLLoss", "eps", eps, "a number above 0");
    }

    /** The mean, of logarithms. */
    public PoissonNLLLoss() {
        this(true, false, EPS, LossReduction.MEAN);
    }

    static PoissonNLLLoss of(Arguments arguments) {
        return new PoissonNLLLoss(
                arguments.flag("log_input", true),
                arguments.flag("full", false),
                arguments.number("eps", EPS),
                LossReduction.of(arguments));
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.elements(this, output, targets, targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        Targets.values(this, targets, value -> value >= 0 && Double.isFinite(value), "a finite number of at least 0");
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return reduction.normaliser(output.elements());
    }

    @Override
    public double meanNormaliser(Shape output, Tensor targets) {
        return LossReduction.MEAN.normaliser(output.elements());
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return reduction.normaliserOfAll(ofBatches);
    }

    @Override
    public List<Integer> positionAxes(Shape output) {
        return Targets.positionAxes(output);
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return new PoissonEvaluation(context, output, targets, normaliser, this);
    }
}
