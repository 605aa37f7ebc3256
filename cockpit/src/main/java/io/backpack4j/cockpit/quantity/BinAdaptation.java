// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Contraction;
import java.util.List;
import java.util.Optional;

/**
 * Fits the range of bins to what was met: ±(1 + padding) · max(min_size / 2, largest magnitude), from the next step on.
 *
 * @param of whose largest magnitude
 * @param schedule when
 * @param padding how much wider than the largest magnitude
 * @param minSize the least width
 */
record BinAdaptation(Of of, Schedule schedule, double padding, double minSize) {

    private static final Measured EXTREMES = Measured.ofGradient(new Contraction.Extremes());

    /** Whose elements. */
    enum Of {
        GRADIENTS,
        PARAMETERS
    }

    /** Reads {@code GradAbsMax(padding=0.1,schedule=…)}, {@code ParamAbsMax}, {@code NoAdaptation} or {@code none}. */
    static Optional<BinAdaptation> of(Object given) {
        ExtensionExpression expression = given instanceof ExtensionExpression call
                ? call
                : new ExtensionExpression(String.valueOf(given), java.util.Map.of());
        Arguments options = new Arguments("bin adaptation " + expression.type(), expression.options());
        Optional<Of> of = switch (expression.type()) {
            case "none", "NoAdaptation" -> Optional.empty();
            case "GradAbsMax" -> Optional.of(Of.GRADIENTS);
            case "ParamAbsMax" -> Optional.of(Of.PARAMETERS);
            default ->
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "'%s' is not a bin adaptation. There are GradAbsMax, ParamAbsMax and NoAdaptation."
                                .formatted(expression.type()));
        };
        Optional<BinAdaptation> adaptation = of.map(which -> new BinAdaptation(
                which,
                Options.schedule(options),
                Options.atLeastZero(options, "padding", 0),
                Options.atLeastZero(options, "min_size", 1e-6)));
        options.rejectUnknown();
        return adaptation;
    }

    /** What a pass computes for it. */
    List<Extension<?>> extensions(long step) {
        return of == Of.GRADIENTS && schedule.isDue(step) ? List.of(EXTREMES) : List.of();
    }

    /** The range that follows from a step; the old one if it is not due, or there is nothing finite. */
    Range next(Observation step, List<String> parameters, Range old) {
        if (!schedule.isDue(step.step())) {
            return old;
        }
        double largest = 0;
        for (String parameter : parameters) {
            // The last of the extremes is the greatest magnitude.
            double own = of == Of.GRADIENTS
                    ? step.get(EXTREMES, parameter).toDoubleArray()[2] * step.sampleFactor()
                    : Sums.largest(step.backend(), step.parameter(parameter));
            if (!Double.isFinite(own)) {
                return old;
            }
            largest = Math.max(largest, own);
        }
        double half = (1 + padding) * Math.max(minSize / 2, largest);
        return half > 0 && Double.isFinite(half) ? new Range(-half, half) : old;
    }
}
