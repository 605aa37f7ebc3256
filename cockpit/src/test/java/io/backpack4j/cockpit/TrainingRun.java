// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/** A loop of a user's own: a small network learns to tell clouds of points apart. */
final class TrainingRun {

    static final String MODEL = """
            {"nodes": [{"name": "0", "type": "Linear", "in_features": 8, "out_features": 12, "inputs": ["input"]},
            {"name": "1", "type": "Tanh", "inputs": ["0"]},
            {"name": "2", "type": "Linear", "in_features": 12, "out_features": 3, "inputs": ["1"]}],
            "output": "2", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    private final BackPack backpack;
    private final DType dtype;
    private final double rate;

    TrainingRun(BackPack backpack, DType dtype, double rate) {
        this.backpack = backpack;
        this.dtype = dtype;
        this.rate = rate;
    }

    Model model() {
        Model model = backpack.model(ModelFile.parse(MODEL, "clouds"), dtype, Shape.of(8));
        model.parameters().initialize(3);
        return model;
    }

    /** Samples with ids of their own. */
    Batch batch(long step, int samples) {
        Random random = new Random(100 + step);
        float[] inputs = new float[samples * 8];
        long[] classes = new long[samples];
        for (int n = 0; n < samples; n++) {
            classes[n] = random.nextInt(3);
            for (int i = 0; i < 8; i++) {
                inputs[8 * n + i] = (float) (random.nextGaussian() + (i % 3 == classes[n] ? 1.5 : 0));
            }
        }
        return backpack.batch(dtype, inputs, Shape.of(samples, 8), classes);
    }

    /**
     * Runs steps with a cockpit.
     *
     * @param cockpit null for none
     */
    void run(Model model, Cockpit cockpit, long steps, int samples, Consumer<Long> after) {
        run(model, cockpit, 0, steps, samples, after);
    }

    void run(Model model, Cockpit cockpit, long from, long to, int samples, Consumer<Long> after) {
        for (long step = from; step < to; step++) {
            try (Batch batch = batch(step, samples)) {
                if (cockpit == null) {
                    try (Results results = backpack.compute(model, batch, step)) {
                        descend(model, results);
                    }
                } else {
                    StepRequest request = cockpit.request(step, batch, PlannedUpdate.descent(rate));
                    try (Results results = request.run(backpack, model, batch)) {
                        cockpit.track(step, results);
                        descend(model, results);
                        cockpit.stepped(step);
                    }
                    if (step % 10 == 9) {
                        Map<String, Double> metrics = Map.of(
                                "train_loss",
                                1.0 / (step + 1),
                                "valid_loss",
                                1.2 / (step + 1),
                                "train_accuracy",
                                0.5,
                                "valid_accuracy",
                                0.45);
                        cockpit.log(step, step / 10, new double[] {rate}, metrics);
                    }
                }
                after.accept(step);
            }
        }
    }

    private void descend(Model model, Results results) {
        for (String name : model.parameters().trainable()) {
            backpack.backend()
                    .elementwise()
                    .addScaled(-rate, results.gradient(name), model.parameters().get(name));
        }
    }
}
