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
import java.util.Optional;

/**
 * ℓ_n = Σ_d |f_nd − y_nd|, outputs f and targets y having one shape {@code [N, *]}. The mean is over all N·D elements.
 * The loss is linear in pieces: its Hessian is zero
 * wherever it exists.
 *
 * @param reduction how terms are joined
 */
public record L1Loss(LossReduction reduction) implements Loss {

    /** The mean. */
    public L1Loss() {
        this(LossReduction.MEAN);
    }

    static L1Loss of(Arguments arguments) {
        return new L1Loss(LossReduction.of(arguments));
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
    public Optional<String> insteadOfGaussNewton() {
        return Optional.of(
                "Use MSELoss, or HuberLoss and SmoothL1Loss, which are curved near the targets; first-order quantities and Hessians are there.");
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return new AbsoluteErrorEvaluation(context, output, targets, normaliser);
    }
}
