// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.cli.report.Surprises;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.data.BatchData;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** What came of a run. */
final class RunSummary {

    /** So many windows of text, at most, are looked at for the page. */
    private static final int SHOWN_WINDOWS = 64;

    private RunSummary() {}

    /** Steps, the last values, and why it ended. */
    static String of(TrainingResult result) {
        StringBuilder summary = new StringBuilder("%d steps were taken.".formatted(result.steps()));
        result.last()
                .forEach((name, value) ->
                        summary.append(" %s %s.".formatted(name.replace('_', ' '), Text.number(value))));
        result.stopped()
                .ifPresent(reason -> summary.append(" Stopped: ").append(reason).append('.'));
        return summary.toString();
    }

    /** How surprising the end of the text is, whatever was held out. */
    static Surprises surprises(BackPack backpack, Model model) {
        TextWindows windows = ShippedText.heldOut(ShippedText.HELD_OUT);
        int count = Math.min(SHOWN_WINDOWS, windows.samples());
        BatchData data = windows.source().read(LongStream.range(0, count).toArray(), 1);
        try (Batch batch = data.upload(backpack, model.dtype());
                Prediction prediction = backpack.predict(model, batch)) {
            return Surprises.of(
                    IntStream.range(0, count).mapToObj(windows::input).toList(),
                    IntStream.range(0, count).mapToObj(windows::target).toList(),
                    windows.alphabet(),
                    prediction.output());
        }
    }
}
