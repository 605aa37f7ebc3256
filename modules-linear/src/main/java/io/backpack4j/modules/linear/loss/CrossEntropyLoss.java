// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * ℓ_n = −Σ_q Σ_k w_k t_nkq log p_nkq, p being the softmax over the axis of classes of the output {@code [N, C, *]} and
 * q the
 * positions {@code *} of a sample. Targets are class indices {@code [N, *]}, for which t is one at the class y and zero
 * elsewhere, or probabilities {@code [N, C, *]}.
 * Smoothed, t is (1 − ε) t + ε/C.
 *
 * <p>The mean of class indices is over Σ w_y of the targets that are not ignored, even where they are smoothed; that of
 * probabilities is over samples and positions. A
 * mean over nothing is refused.
 *
 * @param weight w, one number of at least 0 for every class; null for ones
 * @param ignoreIndex the target that counts for nothing
 * @param reduction how terms are joined
 * @param labelSmoothing ε, from 0 to 1
 */
public record CrossEntropyLoss(
        @Nullable List<Double> weight, long ignoreIndex, LossReduction reduction, double labelSmoothing)
        implements Loss {

    /** The target that PyTorch ignores by default. */
    public static final long IGNORED = -100;

    public CrossEntropyLoss {
        weight = weight == null ? null : List.copyOf(weight);
        LossArguments.requireWeights("CrossEntropyLoss", "weight", weight);
        LossArguments.require(
                labelSmoothing >= 0 && labelSmoothing <= 1,
                "CrossEntropyLoss",
                "label_smoothing",
                labelSmoothing,
                "a number from 0 to 1");
    }

    /** Without weights and smoothing. */
    public CrossEntropyLoss(LossReduction reduction) {
        this(null, IGNORED, reduction, 0);
    }

    /** The mean. */
    public CrossEntropyLoss() {
        this(LossReduction.MEAN);
    }

    static CrossEntropyLoss of(Arguments arguments) {
        return new CrossEntropyLoss(
                LossArguments.numbers(arguments, "weight"),
                arguments.integer("ignore_index", IGNORED),
                LossReduction.of(arguments),
                arguments.number("label_smoothing", 0));
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.batched(this, output, 2, "[N, C] or [N, C, *]");
        ClassTargets.requireFit(this, weight, output);
        if (targetType.isFloating() && targets.equals(output)) {
            if (ignoreIndex >= 0) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "Argument 'ignore_index' of CrossEntropyLoss is %d, but targets are probabilities, of which none is ignored. Leave it out, or give class indices (INT64)."
                                .formatted(ignoreIndex));
            }
            return;
        }
        Targets.shaped(this, output, targets, output.dropFirst(2).prepend(output.size(0)));
        Targets.typed(this, targetType == DType.INT64, "class indices (INT64)", targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        if (targets.dtype().isFloating()) {
            Targets.values(this, targets, value -> value >= 0 && value <= 1, "a probability from 0 to 1");
        } else {
            Targets.classes(this, targets, output.size(1), ignoreIndex);
            ClassTargets.requireSome(this, reduction, targets, weight, ignoreIndex);
        }
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return normaliser(reduction, output, targets);
    }

    @Override
    public double meanNormaliser(Shape output, Tensor targets) {
        return normaliser(LossReduction.MEAN, output, targets);
    }

    private double normaliser(LossReduction joined, Shape output, Tensor targets) {
        return targets.dtype().isFloating()
                ? joined.normaliser(output.elements() / output.size(1))
                : ClassTargets.normaliser(joined, targets, weight, ignoreIndex);
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return reduction.normaliserOfAll(ofBatches);
    }

    @Override
    public List<Integer> positionAxes(Shape output) {
        return IntStream.range(1, output.rank() - 1).boxed().toList();
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return new CrossEntropyEvaluation(
                context, output, WeightedClasses.of(context, output, targets, this), normaliser);
    }
}
