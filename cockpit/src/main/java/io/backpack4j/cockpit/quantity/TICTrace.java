// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Contraction;
import java.util.List;

/**
 * The Takeuchi information criterion by traces: Σ_j C_j / (Σ_j h_j + ε), C_j = (1/N) Σ_n g_nj². V. Thomas et al.
 * (2020), "On the interplay between noise and curvature".
 */
record TICTrace(CurvatureKind curvature, double epsilon) implements SingleStepQuantityOfGradients {

    private static final Measured NORMS = Measured.ofGradient(new Contraction.Trace());

    @Override
    public List<Extension<?>> needed() {
        return List.of(NORMS, curvature.trace());
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        double norms = 0;
        for (String parameter : parameters) {
            norms += step.get(NORMS, parameter).item();
        }
        double moment = norms * step.sampleFactor() * step.sampleFactor() / step.samples();
        double denominator = HessTrace.trace(step, parameters, curvature) + epsilon;
        return denominator == 0
                ? Measurement.missing("the trace of the curvature is -epsilon")
                : Measurement.of(moment / denominator);
    }
}
