// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;

/** The trace of a curvature matrix. */
record HessTrace(CurvatureKind curvature) implements SingleStepQuantityOfGradients {

    @Override
    public Per defaultPer() {
        return Per.PARAMETER;
    }

    @Override
    public List<Extension<?>> needed() {
        return List.of(curvature.trace());
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        return Measurement.of(trace(step, parameters, curvature));
    }

    static double trace(Observation step, List<String> parameters, CurvatureKind curvature) {
        double sum = 0;
        for (String parameter : parameters) {
            sum += step.get(curvature.trace(), parameter).item();
        }
        return sum * step.batchFactor();
    }
}
