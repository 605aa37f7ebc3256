// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ONNX files on the command line: as they are, converted, and back. */
class OnnxCommandTest {

    private static final Path FIXTURES = Path.of("..", "onnx", "src", "test", "resources", "fixtures");
    private static final String LOSS = "CrossEntropyLoss(reduction=mean)";
    private static final double TOLERANCE = 1e-5;

    @TempDir
    private Path directory;

    private Path onnx;
    private double[] expected;

    /** Data with inputs, targets and nothing else. */
    @BeforeEach
    void prepare() throws IOException {
        onnx = Files.copy(FIXTURES.resolve("residual_old.onnx"), file("net.onnx"));
        try (Safetensors fixture = Safetensors.open(FIXTURES.resolve("residual_old.safetensors"))) {
            TensorInfo input = fixture.tensor("input");
            double[] values = fixture.readDoubles("input");
            expected = fixture.readDoubles("output");
            try (SafetensorsWriter writer = SafetensorsWriter.to(file("data.safetensors"))
                    .tensor("input", DType.FLOAT32, input.shape())
                    .tensor("target", DType.INT64, Shape.of(2))
                    .open()) {
                writer.write("input", 0, values, 0, values.length);
                writer.write("target", 0, new long[] {3, 1}, 0, 2);
                writer.commit();
            }
        }
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    private Run evaluate(Path model, String data, String out, String... others) {
        List<String> arguments = new ArrayList<>(List.of(
                "evaluate", "--model", model.toString(), "--data", file(data).toString()));
        arguments.addAll(
                List.of("--extensions", "BatchL2Grad", "--out", file(out).toString(), "--dtype", "float64"));
        arguments.addAll(List.of(others));
        return Run.of(arguments.toArray(String[]::new));
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err().lines()).allMatch(line -> line.startsWith("note: "));
        assertThat(run.code()).isZero();
    }

    private TreeMap<String, double[]> results(String name) {
        TreeMap<String, double[]> results = new TreeMap<>();
        try (Safetensors file = Safetensors.open(file(name))) {
            file.tensors().keySet().forEach(tensor -> results.put(tensor, file.readDoubles(tensor)));
        }
        return results;
    }

    private void assertSame(String name, String other) {
        TreeMap<String, double[]> first = results(name);
        TreeMap<String, double[]> second = results(other);
        assertThat(second.keySet()).isEqualTo(first.keySet());
        first.forEach((tensor, values) ->
                assertThat(second.get(tensor)).as(tensor).containsExactly(values, Offset.offset(1e-9)));
    }

    @Test
    void a_file_is_evaluated_as_it_is_and_converted() throws IOException {
        Run run = evaluate(onnx, "data.safetensors", "r.safetensors", "--loss", LOSS);
        assertSucceeded(run);
        assertThat(run.err()).contains("folded into 2 convolutions");
        assertThat(results("r.safetensors").get("output")).containsExactly(expected, Offset.offset(TOLERANCE));
        assertThat(results("r.safetensors")).containsKeys("fc.weight/grad", "layer1.3.bias/batch_l2");

        Run convert = Run.of("convert", onnx.toString(), file("net").toString(), "--loss", LOSS);
        assertSucceeded(convert);
        assertThat(convert.out()).contains("tensors written to");
        join("net/data.safetensors", "all.safetensors");
        assertSucceeded(evaluate(file("net/model.json"), "all.safetensors", "r2.safetensors"));
        assertSame("r.safetensors", "r2.safetensors");

        assertSucceeded(
                Run.of("convert", file("net").toString(), file("again.onnx").toString()));
        assertSucceeded(evaluate(file("again.onnx"), "data.safetensors", "r3.safetensors", "--loss", LOSS));
        assertSame("r.safetensors", "r3.safetensors");
    }

    /** Numbers of one file and inputs of the data in another. */
    private void join(String numbers, String out) {
        try (Safetensors first = Safetensors.open(file(numbers));
                Safetensors second = Safetensors.open(file("data.safetensors"))) {
            var builder = SafetensorsWriter.to(file(out));
            first.tensors().values().forEach(tensor -> builder.tensor(tensor.name(), DType.FLOAT32, tensor.shape()));
            builder.tensor("input", DType.FLOAT32, second.tensor("input").shape());
            builder.tensor("target", DType.INT64, Shape.of(2));
            try (SafetensorsWriter writer = builder.open()) {
                first.tensors().keySet().forEach(name -> write(writer, name, first.readDoubles(name)));
                write(writer, "input", second.readDoubles("input"));
                writer.write("target", 0, second.readLongs("target"), 0, 2);
                writer.commit();
            }
        }
    }

    private static void write(SafetensorsWriter writer, String name, double... values) {
        writer.write(name, 0, values, 0, values.length);
    }

    @Test
    void a_file_predicts_and_trains() {
        Run predict = Run.of(
                "predict",
                "--model",
                onnx.toString(),
                "--data",
                file("data.safetensors").toString(),
                "--out",
                file("p.safetensors").toString());
        assertSucceeded(predict);
        assertThat(results("p.safetensors").get("output")).containsExactly(expected, Offset.offset(TOLERANCE));
        Run train = Run.of(
                "train",
                "--model",
                onnx.toString(),
                "--loss",
                LOSS,
                "--data",
                file("data.safetensors").toString(),
                "--optimizer",
                "SGD(lr=1e-12)",
                "--epochs",
                "1",
                "--out",
                file("run").toString());
        assertSucceeded(train);
        Run trained = Run.of(
                "predict",
                "--model",
                file("run").toString(),
                "--data",
                file("data.safetensors").toString(),
                "--out",
                file("p2.safetensors").toString());
        assertSucceeded(trained);
        assertThat(results("p2.safetensors").get("output")).containsExactly(expected, Offset.offset(TOLERANCE));
    }

    @Test
    void shapes_of_inputs_are_those_of_the_file() {
        String[] plain = {"inspect", onnx.toString(), "--loss", LOSS, "--json"};
        Run known = Run.of(plain);
        assertSucceeded(known);
        assertThat(known.out()).contains("\"inputs\":[[3,12,12]]");
        String[] other = Arrays.copyOf(plain, plain.length + 2);
        other[plain.length] = "--input-shape";
        other[plain.length + 1] = "3,16,16";
        Run given = Run.of(other);
        assertSucceeded(given);
        assertThat(given.out()).contains("[3,16,16]").doesNotContain("[3,12,12]");
    }

    @Test
    void images_of_bytes_are_predicted() throws IOException {
        Path model = Files.createDirectory(file("flat")).resolve("model.json");
        Files.writeString(model, """
                {"nodes": [{"name": "flat", "type": "Flatten"},
                           {"name": "out", "type": "Linear", "in_features": 4, "out_features": 2}]}""");
        try (SafetensorsWriter writer = SafetensorsWriter.to(file("flat/data.safetensors"))
                .tensor("out.weight", DType.FLOAT32, Shape.of(2, 4))
                .tensor("out.bias", DType.FLOAT32, Shape.of(2))
                .tensor("input", DType.FLOAT32, Shape.of(1, 1, 2, 2))
                .open()) {
            write(writer, "out.weight", 1, 2, 3, 4, -1, 0, 0.5, 2);
            write(writer, "out.bias", 0.25, -0.5);
            write(writer, "input", 0, 0, 0, 0);
            writer.commit();
        }
        byte[] header = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2};
        byte[] pixels = {0, (byte) 255, 51, 102, (byte) 204, 0, 0, (byte) 153};
        Path images = file("images.idx");
        Files.write(images, header);
        Files.write(images, pixels, StandardOpenOption.APPEND);
        Path flat = file("flat.onnx");
        assertSucceeded(Run.of("convert", file("flat").toString(), flat.toString()));
        String[] predict = {
            "predict", "--model", flat.toString(), "--data", images.toString(), "--out", file("p.safetensors").toString()
        };
        assertSucceeded(Run.of(predict));
        double[] output = {4.45, 0.4, 3.45, -0.1};
        assertThat(results("p.safetensors").get("output")).containsExactly(output, Offset.offset(TOLERANCE));

        String[] weights = Arrays.copyOf(predict, predict.length + 2);
        weights[predict.length] = "--weights";
        weights[predict.length + 1] = file("flat/data.safetensors").toString();
        Run twice = Run.of(weights);
        assertThat(twice.code()).isOne();
        assertThat(twice.err()).contains("[InvalidOption]", "has numbers of its own");
    }

    @Test
    void what_is_missing_or_too_much_is_said() throws IOException {
        Run noLoss = evaluate(onnx, "data.safetensors", "r.safetensors");
        assertThat(noLoss.code()).isOne();
        assertThat(noLoss.err()).contains("[InvalidOption]", "has no loss", "--loss 'CrossEntropyLoss");
        assertSucceeded(Run.of("convert", onnx.toString(), file("net").toString()));
        join("net/data.safetensors", "all.safetensors");
        Run surplus = evaluate(onnx, "all.safetensors", "r.safetensors", "--loss", LOSS);
        assertThat(surplus.code()).isOne();
        assertThat(surplus.err()).contains("[UnknownTensor]", "fc.weight", "Remove them");
        Files.writeString(onnx, "no model");
        Run damaged = evaluate(onnx, "data.safetensors", "r.safetensors", "--loss", LOSS);
        assertThat(damaged.code()).isOne();
        assertThat(damaged.err()).contains("[InvalidFile]", "net.onnx");
        assertThat(Files.exists(file("r.safetensors"))).isFalse();
        Run both = Run.of("convert", onnx.toString(), file("x.onnx").toString());
        assertThat(both.err()).contains("[InvalidOption]", "one must end in .onnx");
    }
}
