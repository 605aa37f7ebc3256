// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;

/** The three tests of whether a batch is large enough: the least θ (or ν) with which it passes. */
enum GradientTest implements SingleStepQuantityOfGradients {

    /**
     * √(Σ‖g_n − ḡ‖² / (N (N − 1)) / ‖ḡ‖²); R. Byrd et al. (2012), "Sample size selection in optimization methods for
     * machine learning", (3.9).
     */
    NORM {
        @Override
        public List<Extension<?>> needed() {
            return List.of(Measured.spread());
        }

        @Override
        double squared(Observation step, List<String> parameters, double mean) {
            return GradientStatistics.spread(step, parameters) / mean;
        }
    },

    /**
     * √(Σ(⟨g_n, ḡ⟩ − ‖ḡ‖²)² / (N (N − 1)) / ‖ḡ‖⁴); R. Bollapragada, R. Byrd, J. Nocedal (2017), "Adaptive Sampling
     * Strategies for Stochastic Optimization", (2.6).
     */
    INNER {
        @Override
        public List<Extension<?>> needed() {
            return List.of(Measured.dotsWithSum());
        }

        @Override
        double squared(Observation step, List<String> parameters, double mean) {
            double[] dots = GradientStatistics.dotsWithMean(step, parameters);
            return GradientStatistics.centredSquares(dots) / (mean * mean);
        }
    },

    /**
     * √(Σ‖g_n − ⟨g_n, ḡ⟩ ḡ / ‖ḡ‖²‖² / (N (N − 1)) / ‖ḡ‖²); (3.3) there. What of Σ‖g_n − ḡ‖² is along ḡ is taken away:
     * that of uncentred norms would cancel digits.
     */
    ORTHO {
        @Override
        public List<Extension<?>> needed() {
            return List.of(Measured.spread(), Measured.dotsWithSum());
        }

        @Override
        double squared(Observation step, List<String> parameters, double mean) {
            double[] dots = GradientStatistics.dotsWithMean(step, parameters);
            double along = GradientStatistics.centredSquares(dots) / mean;
            return Math.max(0, GradientStatistics.spread(step, parameters) - along) / mean;
        }
    };

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        double samples = step.samples();
        double mean = GradientStatistics.squaredMean(step, parameters);
        if (samples < 2) {
            return Measurement.missing("a batch of one sample has no spread");
        }
        if (mean == 0) {
            return Measurement.missing("the mean gradient is zero");
        }
        return Measurement.of(Math.sqrt(squared(step, parameters, mean) / (samples * (samples - 1))));
    }

    /** The square of the value, before it is divided by N (N − 1). */
    abstract double squared(Observation step, List<String> parameters, double mean);
}
