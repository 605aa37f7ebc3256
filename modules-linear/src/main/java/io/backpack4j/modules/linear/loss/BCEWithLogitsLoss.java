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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * ℓ_n = −Σ_d w_d (π_d y_nd log σ(f_nd) + (1 − y_nd) log(1 − σ(f_nd))), the outputs f and targets y, from 0 to 1, having
 * one
 * shape {@code [N, *]}. The mean is over all N·D elements, whatever the weights.
 *
 * @param weight w, at least 0; null for ones
 * @param posWeight π, at least 0; null for ones
 * @param reduction how terms are joined
 */
public record BCEWithLogitsLoss(
        @Nullable ElementNumbers weight, @Nullable ElementNumbers posWeight, LossReduction reduction) implements Loss {

    public BCEWithLogitsLoss {
        LossArguments.requireWeights("BCEWithLogitsLoss", "weight", weight == null ? null : weight.values());
        LossArguments.requireWeights("BCEWithLogitsLoss", "pos_weight", posWeight == null ? null : posWeight.values());
    }

    /** Without weights. */
    public BCEWithLogitsLoss(LossReduction reduction) {
        this(null, null, reduction);
    }

    /** The mean. */
    public BCEWithLogitsLoss() {
        this(LossReduction.MEAN);
    }

    static BCEWithLogitsLoss of(Arguments arguments) {
        return new BCEWithLogitsLoss(
                ElementNumbers.of(arguments, "weight"),
                ElementNumbers.of(arguments, "pos_weight"),
                LossReduction.of(arguments));
    }

    private boolean isWeighted() {
        return weight != null || posWeight != null;
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("weight", weight == null ? null : weight.nested());
        arguments.put("pos_weight", posWeight == null ? null : posWeight.nested());
        arguments.put("reduction", reduction.word());
        return arguments;
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.elements(this, output, targets, targetType);
        if (weight != null) {
            weight.requireFit(this, "weight", output);
        }
        if (posWeight != null) {
            posWeight.requireFit(this, "pos_weight", output);
        }
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
    public double meanNormaliser(Shape output, Tensor targets) {
        return LossReduction.MEAN.normaliser(output.elements());
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return reduction.normaliserOfAll(ofBatches);
    }

    @Override
    public List<Integer> positionAxes(Shape output) {
        return isWeighted() ? Targets.positionAxes(output) : List.of();
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return isWeighted()
                ? new WeightedLogisticEvaluation(context, output, targets, normaliser, weight, posWeight)
                : new LogisticEvaluation(context, output, targets, normaliser);
    }
}
