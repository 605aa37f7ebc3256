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
 * ℓ_n = Σ_d t_nd (log t_nd − f_nd): outputs f hold logarithms of probabilities, as a log-softmax makes them, targets t
 * probabilities or their logarithms, of one shape
 * {@code [N, *]}. PyTorch's mean is over all N·D elements, its {@code batchmean} over the samples. The loss is linear,
 * so it has no Gauss-Newton matrix of its own.
 *
 * @param reduction how terms are joined
 * @param logTarget whether targets are logarithms
 */
public record KLDivLoss(Reduction reduction, boolean logTarget) implements Loss {

    /** How the divergence joins its terms. */
    public enum Reduction {
        /** c is one over the number of elements. */
        MEAN,
        /** c is one over the number of samples. */
        BATCHMEAN,
        /** c is one. */
        SUM
    }

    /** PyTorch's mean, of probabilities. */
    public KLDivLoss() {
        this(Reduction.MEAN, false);
    }

    static KLDivLoss of(Arguments arguments) {
        boolean ofSamples = "batchmean".equals(arguments.value("reduction"));
        Reduction reduction = ofSamples
                ? Reduction.BATCHMEAN
                : Reduction.valueOf(LossReduction.of(arguments).name());
        return new KLDivLoss(reduction, arguments.flag("log_target", false));
    }

    private LossReduction plain() {
        return reduction == Reduction.SUM ? LossReduction.SUM : LossReduction.MEAN;
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.elements(this, output, targets, targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        if (logTarget) {
            Targets.values(this, targets, Double::isFinite, "a finite number");
        } else {
            Targets.values(
                    this, targets, value -> value >= 0 && Double.isFinite(value), "a finite number of at least 0");
        }
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return plain().normaliser(reduction == Reduction.BATCHMEAN ? output.size(0) : output.elements());
    }

    @Override
    public double meanNormaliser(Shape output, Tensor targets) {
        return reduction == Reduction.SUM
                ? LossReduction.MEAN.normaliser(output.elements())
                : normaliser(output, targets);
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return plain().normaliserOfAll(ofBatches);
    }

    @Override
    public Optional<String> insteadOfGaussNewton() {
        return Optional.of(
                "Use CrossEntropyLoss on the logits, with the probabilities as targets: it differs by a constant and a factor, and its Gauss-Newton matrix is the useful one.");
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return new DivergenceEvaluation(context, output, targets, normaliser, logTarget);
    }
}
