// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.audit;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.options.Version;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.influence.LabelScore;
import io.backpack4j.influence.LabelScores;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * All scores as a file: one tensor per score (F64), {@code id}, {@code label}, {@code predicted} (I64), each {@code
 * [N]}, in the order of the data.
 */
final class ScoresFile {

    private ScoresFile() {}

    static void write(Path file, LabelScores scores) {
        int samples = scores.samples();
        Shape shape = Shape.of(samples);
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(file)
                .metadata("source", Version.program())
                .tensor("id", DType.INT64, shape)
                .tensor("label", DType.INT64, shape)
                .tensor("predicted", DType.INT64, shape);
        for (LabelScore score : LabelScore.values()) {
            builder.tensor(Text.of(score), DType.FLOAT64, shape);
        }
        try (SafetensorsWriter writer = builder.open()) {
            writer.write("id", 0, scores.ids(), 0, samples);
            writer.write("label", 0, scores.labels(), 0, samples);
            long[] predicted = Arrays.stream(scores.predicted()).asLongStream().toArray();
            writer.write("predicted", 0, predicted, 0, samples);
            for (LabelScore score : LabelScore.values()) {
                writer.write(Text.of(score), 0, scores.values(score), 0, samples);
            }
            writer.commit();
        }
    }
}
