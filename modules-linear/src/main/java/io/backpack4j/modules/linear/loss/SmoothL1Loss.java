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
import java.util.Optional;

/**
 * ℓ_n = Σ_d of d²/(2β) where |d| is below β, and |d| − β/2 elsewhere, d = f_nd − y_nd, outputs f and targets y having
 * one shape {@code [N, *]}. The mean is over all N·D
 * elements. With β = 0 it is {@link L1Loss}.
 *
 * @param reduction how terms are joined
 * @param beta β, at least 0
 */
public record SmoothL1Loss(LossReduction reduction, double beta) implements Loss {

    public SmoothL1Loss {
        LossArguments.require(beta >= 0, "SmoothL1Loss", "beta", beta, "a number of at least 0");
    }

    /** The mean, with β = 1. */
    public SmoothL1Loss() {
        this(LossReduction.MEAN, 1);
    }

    static SmoothL1Loss of(Arguments arguments) {
        return new SmoothL1Loss(LossReduction.of(arguments), arguments.number("beta", 1));
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.elements(this, output, targets, targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        Targets.values(this, targets, Double::isFinite, "a finite number");
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
        return beta > 0 ? Targets.positionAxes(output) : List.of();
    }

    @Override
    public Optional<String> insteadOfGaussNewton() {
        return beta > 0 ? Optional.empty() : new L1Loss().insteadOfGaussNewton();
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return beta > 0
                ? new HuberEvaluation(context, output, targets, normaliser, beta, 1 / beta)
                : new AbsoluteErrorEvaluation(context, output, targets, normaliser);
    }
}
