// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/** ‖θ − θ_0‖, θ_0 being the parameters of the first step. */
record Distance() implements SingleStepQuantity {

    @Override
    public Per defaultPer() {
        return Per.PARAMETER;
    }

    @Override
    public boolean needsReference() {
        return true;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        double sum = 0;
        for (String parameter : parameters) {
            sum += step.squaredDistance(parameter);
        }
        return Measurement.of(Math.sqrt(sum));
    }
}
