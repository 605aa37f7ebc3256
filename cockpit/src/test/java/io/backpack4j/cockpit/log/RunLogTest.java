// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogTest {

    private static final LogHeader HEADER = new LogHeader(
            "m", "SGD(lr=0.1)", 7, List.of("0.weight", "0.bias"), Map.of("Loss", "Loss"), OptionalLong.empty());

    @TempDir
    Path folder;

    private static Measurement value(Value value) {
        return new Measurement(value, Map.of());
    }

    private Path write() {
        Path path = folder.resolve("run.jsonl");
        try (LogWriter writer = LogWriter.open(path, false)) {
            writer.write(HEADER.line(Map.of("HessTrace", "tied")));
            for (long step = 0; step < 3; step++) {
                Map<String, Measurement> measured = new LinkedHashMap<>();
                measured.put("Loss", new Measurement(Value.of(0.1 + step), Map.of("a", 1)));
                measured.put("GradNorm", value(Value.of(1e-7, step)));
                measured.put("My.hist", value(new Value.Histogram(List.of(1L, 2L), List.of(-1.0, 0.0, 1.0))));
                measured.put(
                        "two",
                        value(new Value.JointHistogram(
                                List.of(List.of(1L, 0L)),
                                List.of(0.0, 1.0),
                                List.of(0.0, 0.5, 1.0),
                                Map.of("0.weight", List.of(List.of(1L, 0L))))));
                measured.put("HessTrace", value(new Value.Missing("tied")));
                writer.write(LogLine.step(step, measured));
                if (step > 0) {
                    writer.write(LogLine.step(step - 1, Map.of("Alpha", Measurement.of(-0.5))));
                }
            }
            writer.write(LogLine.epoch(0, new double[] {0.1}, Map.of("valid_loss", 0.5)));
        }
        return path;
    }

    @Test
    void what_is_written_is_read_and_lines_of_one_step_are_merged() throws IOException {
        Path path = write();
        RunLog log = RunLog.read(path);
        assertThat(log.header()).isEqualTo(HEADER);
        assertThat(log.value(1, "Loss")).contains(new Value.Scalar(1.1));
        assertThat(log.value(1, "Alpha")).contains(new Value.Scalar(-0.5));
        assertThat(log.value(2, "Alpha")).isEmpty();
        assertThat(log.value(0, "HessTrace")).contains(new Value.Missing("tied"));
        assertThat(log.value(0, "My.hist")).contains(new Value.Histogram(List.of(1L, 2L), List.of(-1.0, 0.0, 1.0)));
        assertThat(((Value.JointHistogram) log.value(0, "two").orElseThrow()).individual())
                .containsKey("0.weight");
        assertThat(log.epochs().get(0L)).containsEntry("learning_rate", new Value.Scalar(0.1));
        List<String> lines = Files.readAllLines(path);
        assertThat(lines.get(0)).startsWith("{\"schema\":\"backpack4j-cockpit\",\"version\":1,\"model\":\"m\"");
        assertThat(lines.get(1))
                .startsWith("{\"step\":0,\"values\":{\"Loss\":0.1,\"GradNorm\":[1.0E-7,0.0]")
                .endsWith("\"details\":{\"Loss\":{\"a\":1}}}");
        assertThat(lines.get(lines.size() - 1))
                .isEqualTo("{\"epoch\":0,\"values\":{\"valid_loss\":0.5,\"learning_rate\":0.1}}");
    }

    @Test
    void numbers_that_are_not_finite_are_missing_with_their_kind() {
        assertThat(Value.of(Double.NaN).toJson()).isEqualTo(Map.of("missing", "it is not a number (NaN)"));
        assertThat(Value.of(Double.NEGATIVE_INFINITY)).isInstanceOf(Value.Missing.class);
    }

    @Test
    void other_files_are_refused_with_the_line() throws IOException {
        Path path = folder.resolve("x");
        Map<String, String> wrong = Map.of(
                "hello\n", "line 1",
                "{\"a\": 1}\n", "first line",
                "{\"schema\": \"backpack4j-cockpit\", \"version\": 2}\n", "version 2",
                "{\"schema\": \"backpack4j-cockpit\", \"version\": 1}\nnonsense\n{\"step\": 1}\n", "line 2",
                "{\"schema\": \"backpack4j-cockpit\", \"version\": 1}\n{\"step\": 1, \"values\": {\"A\": {\"b\": 1}}}\n",
                        "'A'",
                "", "first line");
        for (Map.Entry<String, String> each : wrong.entrySet()) {
            Files.writeString(path, each.getKey());
            assertThatThrownBy(() -> RunLog.read(path))
                    .as(each.getKey())
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("InvalidLog")
                    .hasMessageContaining(each.getValue());
        }
        assertThatThrownBy(() -> RunLog.read(folder.resolve("none"))).hasMessageContaining("none");
    }

    @Test
    void a_line_that_is_being_written_is_left_out() {
        String text =
                "{\"schema\": \"backpack4j-cockpit\", \"version\": 1}\n{\"step\": 0, \"values\": {\"Loss\": 1}}\n{\"step\": 1, \"va";
        assertThat(RunLog.parse(text, "f").values()).containsOnlyKeys(0L);
    }

    @Test
    void logs_of_the_original_are_read() throws IOException {
        Path path = folder.resolve("log.json");
        Files.writeString(path, """
                {
                    "0": {
                        "Alpha": -0.25,
                        "Distance": [0.0, 0.0],
                        "GradHist1d": {"edges": {"__ndarray__": [-2.0, 0.0, 2.0], "dtype": "float32", "shape": [3]}, "hist": [3, 4]},
                        "GradHist2d": {"edges": [[-1.0, 1.0], [-2.0, 0.0, 2.0]], "hist": [[5, 6]], "param_0": {"hist": [[5, 6]]}},
                        "HessTrace": [{"__ndarray__": 3.5, "dtype": "float32", "shape": [], "0dim": true}, 4.5],
                        "Loss": 2.5,
                        "epoch_count": 0,
                        "learning_rate": 0.01,
                        "train_accuracy": 0.5
                    },
                    "10": {"Alpha": NaN, "Loss": 1.5, "NormTest": null}
                }
                """);
        RunLog log = RunLog.read(path);
        assertThat(log.value(0, "Alpha")).contains(new Value.Scalar(-0.25));
        assertThat(log.value(0, "Distance")).contains(Value.of(0.0, 0.0));
        assertThat(log.value(0, "GradHist1d")).contains(new Value.Histogram(List.of(3L, 4L), List.of(-2.0, 0.0, 2.0)));
        assertThat(log.value(0, "HessTrace")).contains(Value.of(3.5, 4.5));
        assertThat(((Value.JointHistogram) log.value(0, "GradHist2d").orElseThrow()).counts())
                .isEqualTo(List.of(List.of(5L, 6L)));
        assertThat(log.value(10, "Alpha").orElseThrow()).isInstanceOf(Value.Missing.class);
        assertThat(log.value(10, "NormTest")).isEmpty();
        assertThat(log.epochs().get(0L)).containsEntry("train_accuracy", new Value.Scalar(0.5));
    }

    @Test
    void tables_have_a_column_for_every_number() throws IOException {
        RunLog log = RunLog.read(write());
        CsvExport.write(log, folder.resolve("steps.csv"));
        assertThat(Files.readAllLines(folder.resolve("steps.csv")))
                .containsExactly(
                        "step,Loss,GradNorm/0.weight,GradNorm/0.bias,HessTrace,Alpha",
                        "0,0.1,1.0E-7,0.0,,-0.5",
                        "1,1.1,1.0E-7,1.0,,-0.5",
                        "2,2.1,1.0E-7,2.0,,");
        CsvExport.writeEpochs(log, folder.resolve("epochs.csv"));
        assertThat(Files.readAllLines(folder.resolve("epochs.csv")))
                .containsExactly("epoch,valid_loss,learning_rate", "0,0.5,0.1");
    }

    /** Reads records and their messages by the published formats, with nothing of the writer's. */
    @Test
    void event_files_hold_the_scalars_and_histograms() throws IOException {
        RunLog log = RunLog.read(write());
        Path file = TensorBoardExport.write(log, Path.of("target", "tensorboard"), 1_700_000_000L);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<String> found = new ArrayList<>();
        while (bytes.hasRemaining()) {
            byte[] length = new byte[8];
            bytes.get(length);
            assertThat(bytes.getInt()).isEqualTo(masked(length));
            byte[] record = new byte
                    [(int) ByteBuffer.wrap(length)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getLong()];
            bytes.get(record);
            assertThat(bytes.getInt()).isEqualTo(masked(record));
            readEvent(ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN), found);
        }
        assertThat(found)
                .contains(
                        "version brain.Event:2",
                        "0 Loss 0.1",
                        "1 Loss 1.1",
                        "2 GradNorm/0.bias 2.0",
                        "1 Alpha -0.5",
                        "0 epoch/valid_loss 0.5",
                        "2 My.hist histogram [1.0, 2.0]");
        assertThat(found).noneMatch(each -> each.contains("HessTrace"));
    }

    private static int masked(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        long value = crc.getValue();
        return (int) (((value >> 15) | (value << 17)) + 0xa282ead8L);
    }

    private static void readEvent(ByteBuffer bytes, List<String> found) {
        long step = 0;
        while (bytes.hasRemaining()) {
            int tag = (int) varint(bytes);
            switch (tag) {
                case 1 << 3 | 1 -> assertThat(bytes.getDouble()).isCloseTo(1.7e9, within(1.0));
                case 2 << 3 -> step = varint(bytes);
                case 3 << 3 | 2 -> found.add("version " + new String(piece(bytes), StandardCharsets.UTF_8));
                case 5 << 3 | 2 ->
                    readSummary(ByteBuffer.wrap(piece(bytes)).order(ByteOrder.LITTLE_ENDIAN), step, found);
                default -> throw new AssertionError("field " + tag);
            }
        }
    }

    private static void readSummary(ByteBuffer bytes, long step, List<String> found) {
        while (bytes.hasRemaining()) {
            assertThat(varint(bytes)).isEqualTo(1 << 3 | 2);
            ByteBuffer value = ByteBuffer.wrap(piece(bytes)).order(ByteOrder.LITTLE_ENDIAN);
            String name = "";
            while (value.hasRemaining()) {
                int tag = (int) varint(value);
                switch (tag) {
                    case 1 << 3 | 2 -> name = new String(piece(value), StandardCharsets.UTF_8);
                    case 2 << 3 | 5 -> found.add(step + " " + name + " " + value.getFloat());
                    case 5 << 3 | 2 -> found.add(step + " " + name + " histogram " + counts(piece(value)));
                    default -> throw new AssertionError("field " + tag);
                }
            }
        }
    }

    private static List<Double> counts(byte[] histogram) {
        ByteBuffer bytes = ByteBuffer.wrap(histogram).order(ByteOrder.LITTLE_ENDIAN);
        List<Double> counts = new ArrayList<>();
        while (bytes.hasRemaining()) {
            int tag = (int) varint(bytes);
            if ((tag & 7) == 1) {
                bytes.getDouble();
            } else {
                ByteBuffer packed = ByteBuffer.wrap(piece(bytes)).order(ByteOrder.LITTLE_ENDIAN);
                while (tag == (7 << 3 | 2) && packed.hasRemaining()) {
                    counts.add(packed.getDouble());
                }
            }
        }
        return counts;
    }

    private static byte[] piece(ByteBuffer bytes) {
        byte[] piece = new byte[(int) varint(bytes)];
        bytes.get(piece);
        return piece;
    }

    private static long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = bytes.get();
            value |= (long) (next & 0x7F) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }
}
