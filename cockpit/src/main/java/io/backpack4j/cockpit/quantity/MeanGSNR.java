// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;

/**
 * The mean over elements of the gradient's signal-to-noise ratio, ḡ_j² / ((1/N) Σ_n (g_nj − ḡ_j)² + ε). J. Liu et al.
 * (2020), "Understanding why neural networks generalize well through GSNR".
 */
record MeanGSNR(double epsilon) implements SingleStepQuantityOfGradients {

    @Override
    public List<Extension<?>> needed() {
        return SignalToNoise.NEEDED;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        return Measurement.of(SignalToNoise.mean(step, parameters, step.samples(), epsilon));
    }
}
