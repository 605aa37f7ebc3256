package io.backpack4j.cockpit.quantity;

import java.util.List;

/** The loss of the batch, as a mean. */
record Loss() implements SingleStepQuantity {

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        return Measurement.of(step.loss());
    }
}
