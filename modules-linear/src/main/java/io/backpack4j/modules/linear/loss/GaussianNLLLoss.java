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
 * ℓ_n = ½ Σ_d (log v_d + (f_nd − y_nd)² / v_d), outputs f and targets y having one shape {@code [N, *]}. The mean is
 * over all N·D elements. The variances v, which PyTorch's loss takes
 * as a third input, are an argument here, the same for all samples.
 *
 * @param var v, at least 0
 * @param full whether ½ log 2π is added for every element
 * @param eps what v is at least, above 0
 * @param reduction how terms are joined
 */
public record GaussianNLLLoss(ElementNumbers var, boolean full, double eps, LossReduction reduction) implements Loss {

    private static final double EPS = 1e-6;

    public GaussianNLLLoss {
        LossArguments.requireWeights("GaussianNLLLoss", "var", var.values());
        LossArguments.require(eps > 0, "GaussianNLLLoss", "eps", eps, "a number above 0");
    }

    /** The mean. */
    public GaussianNLLLoss(ElementNumbers var) {
        this(var, false, EPS, LossReduction.MEAN);
    }

    static GaussianNLLLoss of(Arguments arguments) {
        ElementNumbers var = ElementNumbers.of(arguments, "var");
        if (var == null) {
            throw arguments.wrong(
                    "var",
                    "the variances of the targets, a number or one for every output, because a loss has no third input",
                    null);
        }
        return new GaussianNLLLoss(
                var, arguments.flag("full", false), arguments.number("eps", EPS), LossReduction.of(arguments));
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("var", var.nested());
        arguments.put("full", full);
        arguments.put("eps", eps);
        arguments.put("reduction", reduction.word());
        return arguments;
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.elements(this, output, targets, targetType);
        var.requireFit(this, "var", output);
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
        return Targets.positionAxes(output);
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        double constant = full ? 0.5 * Math.log(2 * Math.PI) : 0;
        return new GaussianEvaluation(
                context, output, targets, normaliser, var.map(value -> Math.max(value, eps)), constant);
    }
}
