// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.PlannedUpdate;
import io.backpack4j.cockpit.StepRequest;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.Tensor;

/** Steps of gradient descent on one batch, plain and with every step tracked by a cockpit, to be timed. */
final class BenchCockpit implements AutoCloseable {

    /** Small, so that random labels are not learned within the measurement. */
    private static final double RATE = 1e-3;

    private final BackPack backpack;
    private final Model model;
    private final Batch batch;
    private final Plan plan;
    private final Cockpit cockpit;
    private long step;

    /**
     * Opens a cockpit.
     *
     * @param plan of the gradient alone
     * @param configuration economy, business or full
     */
    BenchCockpit(BackPack backpack, Model model, Batch batch, Plan plan, String configuration) {
        this.backpack = backpack;
        this.model = model;
        this.batch = batch;
        this.plan = plan;
        this.cockpit =
                Cockpit.builder(backpack, model).quantities(configuration).open();
    }

    /** Forward, backward, update. */
    Runnable plain() {
        return () -> {
            try (Results results = plan.run(batch)) {
                results.loss();
                update(results);
            }
        };
    }

    /** The same, tracked. */
    Runnable tracked() {
        return () -> {
            StepRequest request = cockpit.request(step, batch, PlannedUpdate.descent(RATE));
            try (Results results = request.run(backpack, model, batch)) {
                results.loss();
                cockpit.track(step, results);
                update(results);
                cockpit.stepped(step);
            }
            step++;
        };
    }

    /** Reading a number waits for backends that work in the background. */
    private void update(Results results) {
        for (String name : model.parameters().trainable()) {
            Tensor parameter = model.parameters().get(name);
            backpack.backend().elementwise().addScaled(-RATE, results.gradient(name), parameter);
        }
        model.parameters().get(model.parameters().trainable().get(0)).read(0, new double[1], 0, 1);
    }

    @Override
    public void close() {
        cockpit.close();
    }
}
