// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;

/**
 * The evidence-based criterion: 1 − N · mean_j ḡ_j² / (s_j² + ε), s_j² being the unbiased variance; above 0 one may
 * stop. M. Mahsereci et al. (2017), "Early Stopping without a Validation Set".
 */
record EarlyStopping(double epsilon) implements SingleStepQuantityOfGradients {

    @Override
    public List<Extension<?>> needed() {
        return SignalToNoise.NEEDED;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        long samples = step.samples();
        return samples < 2
                ? Measurement.missing("a batch of one sample has no variance")
                : Measurement.of(1 - samples * SignalToNoise.mean(step, parameters, samples - 1.0, epsilon));
    }
}
