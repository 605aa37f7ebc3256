// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The loss of the batch, as a mean. Ids of samples whose loss is not finite stand in the details. */
record Loss() implements SingleStepQuantity {

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        List<Long> notFinite = new ArrayList<>();
        double[] losses = step.losses();
        long[] ids = step.batch().sampleIds();
        for (int n = 0; n < losses.length; n++) {
            if (!Double.isFinite(losses[n])) {
                notFinite.add(ids[n]);
            }
        }
        return new Measurement(
                Value.of(step.loss()), notFinite.isEmpty() ? Map.of() : Map.of("not_finite_samples", notFinite));
    }
}
