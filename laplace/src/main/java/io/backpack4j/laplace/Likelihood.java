// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The distribution of targets whose negative logarithm a loss is. */
public enum Likelihood {
    /** One class of several: {@code CrossEntropyLoss} of outputs {@code [N, C]}. */
    CLASSIFICATION("CrossEntropyLoss"),
    /** Yes or no for every output: {@code BCEWithLogitsLoss}. */
    BINARY("BCEWithLogitsLoss"),
    /** A Gaussian of deviation σ around every output: {@code MSELoss}, the sum of squares without the factor ½. */
    REGRESSION("MSELoss");

    private static final String REDUCTION = "reduction";

    private final String loss;

    Likelihood(String loss) {
        this.loss = loss;
    }

    /** The likelihood of a model's loss. */
    static Likelihood of(BackPack backpack, Model model) {
        Loss loss = model.loss();
        for (Likelihood likelihood : values()) {
            if (likelihood.loss.equals(loss.type())) {
                likelihood.requireFits(backpack, model);
                return likelihood;
            }
        }
        throw new BackpackException(
                LaplaceProblems.INVALID_LAPLACE,
                "A Laplace approximation needs a loss that is a negative log-likelihood: CrossEntropyLoss, BCEWithLogitsLoss or MSELoss, not %s."
                        .formatted(loss.type()));
    }

    private void requireFits(BackPack backpack, Model model) {
        Map<String, @Nullable Object> own = withoutReduction(model.loss());
        Map<String, @Nullable Object> usual =
                withoutReduction(backpack.catalog().loss(new LossDescription(loss, Map.of())));
        if (!own.equals(usual)) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "%s with %s is no negative log-likelihood of single samples; only 'reduction' may differ from %s."
                            .formatted(loss, own, usual));
        }
        if (this == CLASSIFICATION && model.outputShape().rank() != 1) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "Classification needs one class per sample, outputs [N, C]; this model's outputs have shape %s per sample."
                            .formatted(model.outputShape()));
        }
    }

    private static Map<String, @Nullable Object> withoutReduction(Loss loss) {
        Map<String, @Nullable Object> arguments = new HashMap<>(loss.arguments());
        arguments.remove(REDUCTION);
        return arguments;
    }

    /** A model of the same network and numbers, whose loss is the plain sum. The caller closes it. */
    Model summed(BackPack backpack, Model model) {
        Map<String, @Nullable Object> arguments = new HashMap<>(model.loss().arguments());
        arguments.put(REDUCTION, "sum");
        Loss sum = backpack.catalog().loss(new LossDescription(loss, arguments));
        return FittedModel.copy(backpack, model, sum, model.dtype());
    }

    /** What the summed loss's curvature is multiplied by. */
    double curvatureScale(double sigma) {
        return this == REGRESSION ? 1 / (2 * sigma * sigma) : 1;
    }

    /** The log-likelihood of n samples of k outputs with a summed loss. */
    double logLikelihood(double lossSum, long samples, long outputs, double sigma) {
        return this == REGRESSION
                ? -lossSum / (2 * sigma * sigma) - samples * outputs * Math.log(sigma * Math.sqrt(2 * Math.PI))
                : -lossSum;
    }
}
