// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/** Seconds since 1970. */
record Time() implements SingleStepQuantity {

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        return Measurement.of(step.time());
    }
}
