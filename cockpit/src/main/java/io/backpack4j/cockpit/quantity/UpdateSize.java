// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/** ‖u‖, u being the update. */
record UpdateSize() implements TwoStepQuantity {

    @Override
    public Per defaultPer() {
        return Per.PARAMETER;
    }

    @Override
    public boolean needsNorms() {
        return false;
    }

    @Override
    public Measurement compute(Transition transition, List<String> parameters) {
        return Measurement.of(Math.sqrt(GradientStatistics.sum(transition.squaredLengths(), parameters)));
    }
}
