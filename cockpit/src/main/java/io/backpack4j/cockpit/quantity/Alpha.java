// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How far the update goes, relative to the minimum of a parabola that is fitted to losses and slopes at both ends,
 * weighted by their variances: −1 for not at all, 0 for the minimum, 1 for the other side of the valley.
 */
record Alpha() implements TwoStepQuantity {

    /** In the place of a variance that is exactly zero. */
    private static final double LEAST_VARIANCE = 1e-10;

    @Override
    public boolean needsProjections() {
        return true;
    }

    @Override
    public boolean needsNorms() {
        return false;
    }

    @Override
    public Measurement compute(Transition transition, List<String> parameters) {
        double length = Math.sqrt(GradientStatistics.sum(transition.squaredLengths(), parameters));
        if (length == 0) {
            return new Measurement(new Value.Scalar(-1), Map.of("zero_step", true));
        }
        Ends start = Ends.of(transition.start(), parameters, length);
        Ends end = Ends.of(transition.end(), parameters, length);
        if (start.losses.length < 2 || end.losses.length < 2) {
            return Measurement.missing("a batch of one sample has no variance");
        }
        return fit(start, end, length);
    }

    /** Losses and slopes of single samples at an end. */
    private record Ends(double loss, double[] losses, double[] slopes) {

        static Ends of(Transition.End end, List<String> parameters, double length) {
            double[] slopes = new double[end.losses().length];
            for (String parameter : parameters) {
                double[] own = Objects.requireNonNull(end.projections().get(parameter));
                for (int n = 0; n < slopes.length; n++) {
                    slopes[n] += own[n] / length;
                }
            }
            return new Ends(end.loss(), end.losses(), slopes);
        }
    }

    /** Fits w0 + w1 t + w2 t², t being the way in units of the update's length. */
    private static Measurement fit(Ends start, Ends end, double length) {
        double slopeAtStart = GradientStatistics.mean(start.slopes) * length;
        double slopeAtEnd = GradientStatistics.mean(end.slopes) * length;
        double[][] design = {{1, 0, 0}, {1, 1, 1}, {0, 1, 0}, {0, 1, 2}};
        double[] values = {start.loss, end.loss, slopeAtStart, slopeAtEnd};
        double[] deviations = {
            deviation(start.losses),
            deviation(end.losses),
            deviation(start.slopes) * length,
            deviation(end.slopes) * length
        };
        double[] w = LeastSquares.solve(design, values, deviations);
        if (w.length == 0) {
            return Measurement.missing("the fit of the parabola is singular");
        }
        if (w[2] < 0) {
            return new Measurement(new Value.Scalar(-1), Map.of("concave", true));
        }
        return w[1] == 0
                ? Measurement.missing("the parabola has its minimum at the start")
                : Measurement.of(-2 * w[2] / w[1] - 1);
    }

    private static double deviation(double[] values) {
        double variance = GradientStatistics.centredSquares(values) / (values.length - 1);
        return Math.sqrt(variance == 0 ? LEAST_VARIANCE : variance);
    }
}
