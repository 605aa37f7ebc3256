package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/**
 * ℓ_n = −Σ_d (y_nd log σ(f_nd) + (1 − y_nd) log(1 − σ(f_nd))), the outputs f and targets y, from 0 to 1, having one
 * shape {@code [N, *]}. The mean is over all N·D elements.
 *
 * @param reduction how terms are joined
 */
public record BCEWithLogitsLoss(LossReduction reduction) implements Loss {

    /** The mean. */
    public BCEWithLogitsLoss() {
        this(LossReduction.MEAN);
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.batched(this, output, 1, "[N, *]");
        Targets.shaped(this, output, targets, output);
        Targets.typed(this, targetType.isFloating(), "real numbers", targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        Targets.values(this, targets, value -> value >= 0 && value <= 1, "a number from 0 to 1");
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return reduction.normaliser(output.elements());
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return reduction.normaliserOfAll(ofBatches);
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return new LogisticEvaluation(context, output, targets, normaliser);
    }
}
