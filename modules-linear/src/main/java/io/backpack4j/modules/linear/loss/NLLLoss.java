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
import org.jspecify.annotations.Nullable;

/**
 * ℓ_n = −Σ_q w_y f_nyq: the output {@code [N, C, *]} holds logarithms of probabilities, as a log-softmax makes them,
 * and targets are class indices {@code [N, *]}. The
 * mean is over Σ w_y of the targets that are not ignored; a mean over nothing is refused. The loss is linear, so it has
 * no Gauss-Newton matrix of its own.
 *
 * @param weight w, one number of at least 0 for every class; null for ones
 * @param ignoreIndex the target that counts for nothing
 * @param reduction how terms are joined
 */
public record NLLLoss(@Nullable List<Double> weight, long ignoreIndex, LossReduction reduction) implements Loss {

    public NLLLoss {
        weight = weight == null ? null : List.copyOf(weight);
        LossArguments.requireWeights("NLLLoss", "weight", weight);
    }

    /** The mean, without weights. */
    public NLLLoss() {
        this(null, CrossEntropyLoss.IGNORED, LossReduction.MEAN);
    }

    static NLLLoss of(Arguments arguments) {
        return new NLLLoss(
                LossArguments.numbers(arguments, "weight"),
                arguments.integer("ignore_index", CrossEntropyLoss.IGNORED),
                LossReduction.of(arguments));
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.batched(this, output, 2, "[N, C] or [N, C, *]");
        ClassTargets.requireFit(this, weight, output);
        Targets.shaped(this, output, targets, output.dropFirst(2).prepend(output.size(0)));
        Targets.typed(this, targetType == DType.INT64, "class indices (INT64)", targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        Targets.classes(this, targets, output.size(1), ignoreIndex);
        ClassTargets.requireSome(this, reduction, targets, weight, ignoreIndex);
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return ClassTargets.normaliser(reduction, targets, weight, ignoreIndex);
    }

    @Override
    public double meanNormaliser(Shape output, Tensor targets) {
        return ClassTargets.normaliser(LossReduction.MEAN, targets, weight, ignoreIndex);
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return reduction.normaliserOfAll(ofBatches);
    }

    @Override
    public Optional<String> insteadOfGaussNewton() {
        return Optional.of(
                "Use CrossEntropyLoss on the logits, whose logarithms of probabilities these are: the loss is the same, and its Gauss-Newton matrix is the useful one.");
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        ClassTargets classes = ClassTargets.of(
                context.scope(), targets, output.dtype(), output.shape().size(1), weight, ignoreIndex);
        return new LogLikelihoodEvaluation(context, output, classes, normaliser);
    }
}
