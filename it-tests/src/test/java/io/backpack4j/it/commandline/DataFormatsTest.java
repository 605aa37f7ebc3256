// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models of JSON and ONNX with data that are no safetensors, in every command that takes a model and data. */
class DataFormatsTest {

    private static final String LOSS = "CrossEntropyLoss(reduction=sum)";
    private static final byte[] PIXELS = {0, (byte) 255, 51, 102, (byte) 204, 0, 0, (byte) 153, 7, 90, (byte) 200, 31};
    private static final byte[] LABELS = {1, 0, 1};
    private static final double[] WEIGHT = {0.5, -1, 0.25, 2, -0.75, 1, 0.5, -0.125};

    @TempDir
    private Path directory;

    private String json;
    private String onnx;
    private String pair;
    private String csv;
    private String tensors;
    private String weights;

    /** A model whose input has a name of its own, its numbers, and the same three samples in three formats. */
    @BeforeEach
    void prepare() throws IOException {
        Path folder = Files.createDirectory(directory.resolve("model"));
        json = Files.writeString(folder.resolve("model.json"), """
                {"inputs": ["pixels"],
                 "nodes": [{"name": "flat", "type": "Flatten", "inputs": ["pixels"]},
                           {"name": "out", "type": "Linear", "in_features": 4, "out_features": 2}],
                 "loss": {"type": "CrossEntropyLoss", "reduction": "sum"}}""").toString();
        weights = folder.resolve("data.safetensors").toString();
        try (SafetensorsWriter writer = SafetensorsWriter.to(Path.of(weights))
                .tensor("out.weight", DType.FLOAT32, Shape.of(2, 4))
                .tensor("out.bias", DType.FLOAT32, Shape.of(2))
                .open()) {
            writer.write("out.weight", 0, WEIGHT, 0, 8);
            writer.write("out.bias", 0, new double[] {0.25, -0.5}, 0, 2);
            writer.commit();
        }
        tensors = directory.resolve("all.safetensors").toString();
        StringBuilder lines = new StringBuilder();
        double[] numbers = new double[PIXELS.length];
        for (int i = 0; i < PIXELS.length; i++) {
            numbers[i] = (float) ((PIXELS[i] & 255) / 255.0);
            lines.append(numbers[i]).append(',');
            if (i % 4 == 3) {
                lines.append(LABELS[i / 4]).append('\n');
            }
        }
        try (SafetensorsWriter writer = SafetensorsWriter.to(Path.of(tensors))
                .tensor("pixels", DType.FLOAT32, Shape.of(3, 2, 2))
                .tensor("target", DType.INT64, Shape.of(3))
                .tensor("out.weight", DType.FLOAT32, Shape.of(2, 4))
                .tensor("out.bias", DType.FLOAT32, Shape.of(2))
                .open()) {
            writer.write("pixels", 0, numbers, 0, 12);
            writer.write("target", 0, new long[] {1, 0, 1}, 0, 3);
            writer.write("out.weight", 0, WEIGHT, 0, 8);
            writer.write("out.bias", 0, new double[] {0.25, -0.5}, 0, 2);
            writer.commit();
        }
        csv = Files.writeString(directory.resolve("d.csv"), lines).toString();
        Path images = directory.resolve("images.idx");
        Path labels = directory.resolve("labels.idx");
        IdxFile.of(Shape.of(3, 2, 2), PIXELS).write(images);
        IdxFile.of(Shape.of(3), LABELS).write(labels);
        pair = images + "," + labels;
        onnx = directory.resolve("net.onnx").toString();
        assertSucceeded(Run.of("convert", folder.toString(), onnx, "--input-shape", "2,2"));
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err().lines()).allMatch(line -> line.startsWith("note: "));
        assertThat(run.code()).isZero();
    }

    private String out(String name) {
        return directory.resolve(name).toString();
    }

    private Map<String, double[]> results(String name) {
        Map<String, double[]> results = new TreeMap<>();
        try (Safetensors file = Safetensors.open(directory.resolve(name))) {
            file.tensors().keySet().forEach(tensor -> results.put(tensor, file.readDoubles(tensor)));
        }
        return results;
    }

    private Map<String, double[]> evaluated(String data, String... options) {
        List<String> arguments = new ArrayList<>(List.of("evaluate", "--data", data, "--dtype", "float64"));
        arguments.addAll(List.of("--extensions", "BatchGrad,KFAC(mc_samples=2)", "--out", out("r.safetensors")));
        arguments.addAll(List.of(options));
        assertSucceeded(Run.of(arguments.toArray(String[]::new)));
        return results("r.safetensors");
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach(
                (name, values) -> assertThat(actual.get(name)).as(name).containsExactly(values, Offset.offset(1e-7)));
    }

    @Test
    void evaluate_takes_images_and_labels() {
        Map<String, double[]> expected = evaluated(tensors, "--model", json);
        assertThat(expected.get("loss_batch")).hasSize(3);
        assertSame(evaluated(pair, "--model", json, "--weights", weights), expected);
        assertSame(evaluated(pair, "--model", onnx, "--loss", LOSS), expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"json", "onnx"})
    void predict_takes_data_of_train(String format) {
        Map<String, double[]> expected = evaluated(tensors, "--model", json);
        for (String data : List.of(pair, csv)) {
            String[] numbers = format.equals("onnx") ? new String[] {} : new String[] {"--weights", weights};
            List<String> arguments = new ArrayList<>(List.of("predict", "--data", data, "--dtype", "float64"));
            arguments.addAll(List.of("--model", format.equals("onnx") ? onnx : json, "--out", out("p.safetensors")));
            arguments.addAll(List.of(numbers));
            assertSucceeded(Run.of(arguments.toArray(String[]::new)));
            assertThat(results("p.safetensors").get("output"))
                    .containsExactly(expected.get("output"), Offset.offset(1e-7));
        }
    }

    @Test
    void train_takes_a_model_whose_input_has_another_name() {
        for (String data : List.of(pair, csv)) {
            String[] train = {
                "train",
                "--model",
                onnx,
                "--loss",
                LOSS,
                "--data",
                data,
                "--optimizer",
                "SGD(lr=0)",
                "--epochs",
                "1",
                "--out",
                out("run")
            };
            assertSucceeded(Run.of(train));
            assertSucceeded(Run.of("predict", "--model", out("run"), "--data", data, "--out", out("p.safetensors")));
            assertThat(results("p.safetensors").get("output"))
                    .containsExactly(evaluated(tensors, "--model", json).get("output"), Offset.offset(1e-5));
        }
    }

    @Test
    void a_loss_replaces_that_of_a_model_that_ships() throws IOException {
        String[] train = {
            "train",
            "--loss",
            "CrossEntropyLoss(reduction=sum)",
            "--optimizer",
            "SGD(lr=0)",
            "--max-steps",
            "1",
            "--out",
            out("run")
        };
        assertSucceeded(Run.of(train));
        assertThat(Files.readString(directory.resolve("run/model.json"))).contains("\"sum\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pair", "csv"})
    void demo_takes_onnx_and_data_of_train(String format) {
        double loss = evaluated(tensors, "--model", json).get("loss")[0];
        String data = format.equals("csv") ? csv : pair;
        String page = out("page.html");
        Run demo = Run.of(
                "demo", "--model", onnx, "--loss", LOSS, "--data", data, "--extensions", "Variance", "--out", page);
        assertSucceeded(demo);
        assertThat(demo.out()).contains("the first 3 ", "parameters of the model's file");
        String printed = demo.out()
                .lines()
                .filter(line -> line.startsWith("loss "))
                .findFirst()
                .orElseThrow();
        assertThat(Double.parseDouble(printed.substring(5).strip())).isEqualTo(loss, Offset.offset(1e-3 * loss));
        Run nothing = Run.of("demo", "--model", onnx, "--data", data, "--out", page);
        assertThat(nothing.code()).isOne();
        assertThat(nothing.err()).contains("[InvalidOption]", "has no loss", "--loss 'CrossEntropyLoss");
    }

    @Test
    void bench_and_inspect_take_the_first_samples() throws JsonProcessingException {
        for (String[] model : new String[][] {{onnx, "--loss", LOSS}, {json}}) {
            List<String> bench = new ArrayList<>(List.of("bench", "--data", pair, "--repetitions", "1", "--json"));
            bench.addAll(List.of("--batch", "2", "--model"));
            bench.addAll(List.of(model));
            Run timed = Run.of(bench.toArray(String[]::new));
            assertSucceeded(timed);
            assertThat(new ObjectMapper().readTree(timed.out()).get("batch").asInt())
                    .isEqualTo(2);
            List<String> inspect = new ArrayList<>(List.of("inspect", "--data", pair, "--json"));
            inspect.addAll(List.of(model));
            Run inspected = Run.of(inspect.toArray(String[]::new));
            assertSucceeded(inspected);
            JsonNode found = new ObjectMapper().readTree(inspected.out());
            assertThat(found.toString()).contains("[2,2]");
        }
    }

    @Test
    void what_data_have_not_is_said() {
        String[] evaluate = {"evaluate", "--model", json, "--data", pair, "--out", out("r.safetensors")};
        assertThat(Run.of(evaluate).err()).contains("[InvalidOption]", "has no parameters", "--weights");
        assertThat(Run.of("evaluate", "--model", onnx, "--loss", LOSS, "--data", pair, "--check")
                        .err())
                .contains("[InvalidOption]", "--check compares", "safetensors");
        String[] products = {
            "evaluate",
            "--model",
            onnx,
            "--loss",
            LOSS,
            "--data",
            pair,
            "--extensions",
            "GGNMP",
            "--out",
            out("r.safetensors")
        };
        assertThat(Run.of(products).err()).contains("[InvalidOption]", "vec/out.weight", "safetensors");
        assertThat(Run.of("bench", "--model", json, "--data", pair, "--batch", "4")
                        .err())
                .contains("[InvalidOption]", "A batch of 4", "there are 3 images");
        assertThat(Run.of("demo", "--model", json, "--data", tensors, "--batch", "2", "--out", out("p.html"))
                        .err())
                .contains("[InvalidOption]", "is taken as a whole");
        assertThat(Run.of("predict", "--model", json, "--data", pair, "--out", out("p.safetensors"))
                        .err())
                .contains("[InvalidOption]", "holds samples, but no parameters", "--weights");
    }

    @Test
    void data_with_one_input_are_refused_for_two() throws IOException {
        Path two = Files.writeString(directory.resolve("two.json"), """
                {"inputs": ["a", "b"],
                 "nodes": [{"name": "sum", "type": "Sum", "inputs": ["a", "b"]},
                           {"name": "flat", "type": "Flatten"},
                           {"name": "out", "type": "Linear", "in_features": 4, "out_features": 2}],
                 "loss": {"type": "CrossEntropyLoss"}}""");
        Run run = Run.of("bench", "--model", two.toString(), "--data", pair);
        assertThat(run.code()).isOne();
        assertThat(run.err()).contains("[InvalidOption]", "has one input, but the model has 2: a, b");
    }
}
