// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;
import java.util.Map;

/**
 * The simple gradient noise scale tr Σ / ‖G‖², about the batch size beyond which larger batches help less and less,
 * with unbiased estimates of both: tr Σ of Σ‖g_n − ḡ‖² / (N − 1), ‖G‖² of ‖ḡ‖² − tr Σ / N. S. McCandlish et al. (2018),
 * "An Empirical Model of Large-Batch Training", appendix A.1.
 */
record NoiseScale() implements SingleStepQuantityOfGradients {

    @Override
    public List<Extension<?>> needed() {
        return List.of(Measured.spread());
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        double samples = step.samples();
        if (samples < 2) {
            return Measurement.missing("a batch of one sample has no spread");
        }
        double trace = GradientStatistics.spread(step, parameters) / (samples - 1);
        double squared = GradientStatistics.squaredMean(step, parameters) - trace / samples;
        if (!(squared > 0)) {
            return Measurement.missing(
                    "the gradient drowns in noise: the estimate of its squared norm is not positive");
        }
        return new Measurement(Value.of(trace / squared), Map.of("trace", trace, "squared_gradient", squared));
    }
}
