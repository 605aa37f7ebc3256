// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/** ‖ḡ‖. */
record GradNorm() implements SingleStepQuantity {

    @Override
    public Per defaultPer() {
        return Per.PARAMETER;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        return Measurement.of(Math.sqrt(GradientStatistics.squaredMean(step, parameters)));
    }
}
