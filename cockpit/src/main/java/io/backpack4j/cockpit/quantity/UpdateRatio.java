// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/** ‖u‖ / ‖θ‖: how far an update moves weights, relative to their size. Around 1e-3 is usual. */
record UpdateRatio() implements TwoStepQuantity {

    @Override
    public Per defaultPer() {
        return Per.LAYER;
    }

    @Override
    public Measurement compute(Transition transition, List<String> parameters) {
        double norm = GradientStatistics.sum(transition.squaredNorms(), parameters);
        if (norm == 0) {
            return Measurement.missing("all weights are zero");
        }
        return Measurement.of(Math.sqrt(GradientStatistics.sum(transition.squaredLengths(), parameters) / norm));
    }
}
