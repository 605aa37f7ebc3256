// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.console.Progress;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingStep;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.files.TrainingExpressions;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A model of characters, which is trained for a moment: all characters are as surprising to one that knows none. */
final class DemoText {

    /** How many windows the batch has if nobody says. */
    static final int SAMPLES = 32;

    /** How many steps are trained if nobody says. */
    static final int STEPS = 200;

    private static final String OPTIMIZER = "Adam(lr=3e-3)";
    private static final int TRAINING_BATCH = 32;

    private DemoText() {}

    /**
     * Trains a model on the text that ships with this program, and takes windows of its end, which the model has not
     * seen.
     *
     * @param samples how many windows; {@value #SAMPLES} if null
     * @param steps of training
     */
    static DemoData load(
            BackPack backpack,
            ModelDescription description,
            DType dtype,
            @Nullable Integer samples,
            long seed,
            int steps) {
        TextWindows windows = ShippedText.heldOut(ShippedText.HELD_OUT);
        int count = samples == null ? SAMPLES : samples;
        if (count > windows.samples()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "A batch of %d was asked for, but there are %d %s that training leaves out."
                            .formatted(count, windows.samples(), ShippedText.ABOUT));
        }
        Model model = backpack.model(description, dtype, Shape.of(ShippedText.LENGTH));
        try {
            model.parameters().initialize(seed);
            train(backpack, model, steps, seed);
            ArraySource source = windows.source(count);
            return new DemoData(
                    description,
                    model,
                    source.read(LongStream.range(0, count).toArray(), 1).upload(backpack, dtype),
                    "%d %s".formatted(count, ShippedText.ABOUT),
                    "trained for %d steps of %d windows of the text before these, %s, from seed %d"
                            .formatted(steps, TRAINING_BATCH, OPTIMIZER, seed),
                    Optional.of(windows));
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static void train(BackPack backpack, Model model, int steps, long seed) {
        ArraySource data = ShippedText.training(ShippedText.HELD_OUT).source();
        long perEpoch = (data.samples() + TRAINING_BATCH - 1) / TRAINING_BATCH;
        try (Progress progress = new Progress("training", steps)) {
            Trainer.builder(backpack, model)
                    .optimizer(TrainingExpressions.optimizer(backpack.catalog(), OPTIMIZER))
                    .batch(TRAINING_BATCH)
                    .epochs((steps + perEpoch - 1) / perEpoch)
                    .maxSteps(steps)
                    .seed(seed)
                    .listener(new TrainingListener() {
                        @Override
                        public void onStepped(TrainingStep step) {
                            progress.step("loss " + Text.number(step.loss()));
                        }
                    })
                    .build()
                    .fit(data);
        }
    }
}
