// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.console.Progress;
import io.backpack4j.cli.console.Text;
import io.backpack4j.training.EpochResult;
import io.backpack4j.training.Training;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.TrainingStep;
import java.io.PrintWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shows how far training is: a bar on a terminal, and a line per epoch. */
final class TrainProgress implements TrainingListener {

    private static final double NANOS = 1e9;

    private final PrintWriter out;
    private @Nullable Progress progress;
    private long epochs;
    private long start = System.nanoTime();
    private long samples;
    private String accuracy = "";

    TrainProgress(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void onStart(Training training) {
        epochs = training.epochs();
        long steps = training.epochs() * training.batchesPerEpoch();
        progress = new Progress("training", (int) Math.min(steps, Integer.MAX_VALUE));
        start = System.nanoTime();
    }

    @Override
    public void onStepped(TrainingStep step) {
        samples += step.batch().samples();
        if (progress != null) {
            progress.step("loss %s%s, %.0f samples/s".formatted(Text.number(step.loss()), accuracy, rate()));
        }
    }

    private double rate() {
        return samples * NANOS / Math.max(1, System.nanoTime() - start);
    }

    @Override
    public void onEpoch(EpochResult result) {
        Map<String, Double> values = result.values();
        StringBuilder line = new StringBuilder("epoch %d/%d".formatted(result.epoch(), epochs));
        values.forEach((name, value) -> {
            String words =
                    name.replace("train_", "").replace("valid_", "held-out ").replace('_', ' ');
            line.append("  ").append(words).append(' ').append(Text.number(value));
        });
        line.append(Text.format("  %.0f samples/s", rate()));
        accuracy =
                values.containsKey("train_accuracy") ? ", accuracy " + Text.number(values.get("train_accuracy")) : "";
        out.println(line);
        out.flush();
        samples = 0;
        start = System.nanoTime();
    }

    @Override
    public void onEnd(TrainingResult result) {
        close();
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
    }
}
