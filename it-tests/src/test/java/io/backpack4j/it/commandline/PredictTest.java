// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.spi.tensor.Shape;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code predict} on small files. */
class PredictTest {

    private static final String WITHOUT_LOSS = """
            {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 3},
                       {"name": "1", "type": "ReLU"},
                       {"name": "2", "type": "Linear", "in_features": 3, "out_features": 2}]}
            """;

    @TempDir
    private Path directory;

    private Workspace workspace() {
        return new Workspace(directory);
    }

    private Run predict(Workspace workspace, String... others) {
        List<String> arguments = new ArrayList<>(List.of(
                "predict",
                "--model",
                workspace.file("model.json").toString(),
                "--data",
                workspace.file("data.safetensors").toString(),
                "--out",
                workspace.file("predicted.safetensors").toString()));
        arguments.addAll(List.of(others));
        return Run.of(arguments.toArray(String[]::new));
    }

    private double[] output(String name) {
        try (Safetensors file = Safetensors.open(directory.resolve(name))) {
            return file.readDoubles("output");
        }
    }

    private static void assertSucceeded(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }

    @Test
    void it_writes_what_evaluate_writes() {
        Workspace workspace = workspace();
        assertSucceeded(workspace.run());
        double[] expected = output("results.safetensors");
        assertThat(expected).hasSize(8);
        Run run = predict(workspace);
        assertSucceeded(run);
        assertThat(run.out())
                .isEqualTo("output [4, 2] float64 written to " + workspace.file("predicted.safetensors") + "\n");
        try (Safetensors file = Safetensors.open(directory.resolve("predicted.safetensors"))) {
            assertThat(file.tensors().keySet()).containsExactly("output");
            assertThat(file.tensor("output").shape()).isEqualTo(Shape.of(4, 2));
            assertThat(file.readDoubles("output")).isEqualTo(expected);
            assertThat(file.metadata()).containsEntry("mode", "eval").containsEntry("dtype", "float64");
        }
        assertSucceeded(predict(workspace, "--memory", "1KiB", "--dtype", "float32"));
        assertThat(output("predicted.safetensors")[0]).isCloseTo(expected[0], within(1e-6));
    }

    @Test
    void neither_targets_nor_a_loss_are_needed() {
        assertSucceeded(workspace().run());
        Workspace workspace = workspace().model(WITHOUT_LOSS).without("target");
        Run evaluate = workspace.run();
        assertThat(evaluate.code()).isEqualTo(1);
        assertThat(evaluate.err()).contains("[MissingLoss]");
        assertSucceeded(predict(workspace));
        assertThat(output("predicted.safetensors")).isEqualTo(output("results.safetensors"));
    }

    @Test
    void parameters_may_stand_in_a_file_of_their_own() throws Exception {
        Workspace workspace = workspace();
        assertSucceeded(predict(workspace));
        double[] expected = output("predicted.safetensors");
        Path weights = Files.copy(workspace.file("data.safetensors"), workspace.file("weights.safetensors"));
        for (String name : List.of("0.weight", "0.bias", "2.weight", "2.bias", "target")) {
            workspace.without(name);
        }
        Run lacking = predict(workspace);
        assertThat(lacking.code()).isEqualTo(1);
        assertThat(lacking.err()).contains("[MissingTensor]", "'0.weight'", "'2.bias'");
        assertSucceeded(predict(workspace, "--weights", weights.toString()));
        assertThat(output("predicted.safetensors")).isEqualTo(expected);
    }

    @Test
    void images_are_read_from_idx_files() {
        byte[] pixels = {0, (byte) 255, 51, 102, (byte) 204, 0, 0, 10, 20, 30, 40, 50};
        IdxFile.of(Shape.of(3, 2, 2), pixels).write(directory.resolve("x.idx"));
        Workspace workspace = workspace().model("""
                        {"nodes": [{"name": "0", "type": "Conv2d", "in_channels": 1, "out_channels": 1, "kernel_size": 2}]}
                        """);
        for (String name : List.of("2.weight", "2.bias")) {
            workspace.without(name);
        }
        workspace.tensor("0.weight", new long[] {1, 1, 2, 2}, 1, 2, 3, 4).tensor("0.bias", new long[] {1}, 0.5);
        String images = directory.resolve("x.idx").toString();
        String[] arguments = {
            "predict",
            "--model",
            workspace.file("model.json").toString(),
            "--data",
            images,
            "--weights",
            workspace.file("data.safetensors").toString(),
            "--out",
            workspace.file("predicted.safetensors").toString()
        };
        assertSucceeded(Run.of(arguments));
        double[] expected = new double[3];
        for (int n = 0; n < 3; n++) {
            expected[n] = 0.5;
            for (int i = 0; i < 4; i++) {
                double pixel = Byte.toUnsignedInt(pixels[4 * n + i]) / 255f;
                expected[n] += (i + 1) * pixel;
            }
        }
        assertThat(output("predicted.safetensors")).containsExactly(expected, within(1e-12));
        try (Safetensors file = Safetensors.open(directory.resolve("predicted.safetensors"))) {
            assertThat(file.tensors().get("output").type()).isEqualTo(SafetensorsType.F64);
        }
        String[] unweighted = Arrays.copyOf(arguments, arguments.length);
        unweighted[5] = "--seed";
        unweighted[6] = "1";
        Run refused = Run.of(unweighted);
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("holds images, but no parameters of the model", "--weights");
    }

    @Test
    void what_cannot_be_read_is_refused() {
        Workspace workspace = workspace();
        String[] arguments = {
            "predict",
            "--model",
            directory.toString(),
            "--data",
            directory.toString(),
            "--out",
            workspace.file("predicted.safetensors").toString()
        };
        Run folders = Run.of(arguments);
        assertThat(folders.code()).isEqualTo(1);
        assertThat(folders.err()).contains("--data names the folder", "a safetensors file or an IDX file");
        String empty = directory.resolve("empty").toString();
        assertThat(new File(empty).mkdir()).isTrue();
        arguments[2] = empty;
        arguments[4] = workspace.file("data.safetensors").toString();
        Run noRun = Run.of(arguments);
        assertThat(noRun.code()).isEqualTo(1);
        assertThat(noRun.err()).contains("--model names the folder", "a folder that 'train' wrote");
        arguments[4] = directory.resolve("missing.safetensors").toString();
        assertThat(Run.of(arguments).err()).contains("--model names the folder", "missing.safetensors");
        Run same = Run.of(
                "predict",
                "--model",
                workspace.file("model.json").toString(),
                "--data",
                workspace.file("data.safetensors").toString(),
                "--out",
                workspace.file("data.safetensors").toString());
        assertThat(same.err()).contains("--out names").contains("which is an input");
        assertThat(workspace.files()).doesNotContainKey("predicted.safetensors");
        Map<String, Long> before = workspace.files();
        Run notFinite = predict(workspace.tensor("0.bias", new long[] {3}, 1e300, 1, 1), "--dtype", "float32");
        assertThat(notFinite.err()).contains("[NotFinite]");
        assertThat(workspace.files()).isEqualTo(before);
    }
}
