// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints as PyTorch's users have them give what files with the model's own names give. */
class CheckpointsTest {

    private static final String[] PARAMETERS = {"0.weight", "0.bias", "2.weight", "2.bias"};

    @TempDir
    private Path directory;

    @Test
    void prefixes_of_wrappers_do_not_matter() throws IOException {
        Map<String, double[]> expected = results(new Workspace(directory));
        for (String prefix : new String[] {"model.", "module.", "_orig_mod.", "_orig_mod.module."}) {
            Workspace workspace = new Workspace(directory);
            for (String name : PARAMETERS) {
                workspace.rename(name, prefix + name);
            }
            assertSame(results(workspace), expected);
        }
    }

    @Test
    void a_tied_parameter_stands_for_its_owner() throws IOException {
        String tied = Workspace.MODEL
                .replace("\"out_features\": 3}", "\"out_features\": 3, \"bias\": false}")
                .replace(
                        "\"out_features\": 2}",
                        "\"out_features\": 2, \"bias\": false}, {\"name\": \"3\", \"type\": \"Linear\", \"in_features\": 2, \"out_features\": 3, \"bias\": false, \"tie\": {\"weight\": \"0.weight\"}}");
        Workspace workspace =
                new Workspace(directory).model(tied).without("0.bias").without("2.bias");
        Map<String, double[]> expected = results(workspace);
        assertSame(results(workspace.rename("0.weight", "3.weight")), expected);
    }

    @Test
    void bytes_are_whole_numbers_where_real_ones_are_taken() throws IOException {
        long[] shape = {4, 2};
        Map<String, double[]> expected =
                results(new Workspace(directory).tensor("input", shape, 0, 1, 2, 3, 127, 128, 254, 255));
        Workspace bytes = new Workspace(directory)
                .bytes(
                        "input",
                        "U8",
                        shape,
                        (byte) 0,
                        (byte) 1,
                        (byte) 2,
                        (byte) 3,
                        (byte) 127,
                        (byte) 128,
                        (byte) 254,
                        (byte) 255);
        assertSame(results(bytes), expected);
    }

    @Test
    void a_checkpoint_may_be_in_several_files() throws IOException {
        Workspace workspace = new Workspace(directory);
        Path expected = predict(workspace, workspace.file("data.safetensors"));
        StringBuilder map = new StringBuilder();
        for (String name : PARAMETERS) {
            String file = "part-%s.safetensors".formatted(name);
            try (Safetensors data = Safetensors.open(workspace.file("data.safetensors"))) {
                new TensorFile()
                        .put("model." + name, data.tensor(name).shape().toArray(), data.readDoubles(name))
                        .write(workspace.file(file));
            }
            map.append(map.isEmpty() ? "" : ", ").append("\"model.%s\": \"%s\"".formatted(name, file));
        }
        Path index = workspace.file("model.safetensors.index.json");
        Files.writeString(index, "{\"metadata\": {}, \"weight_map\": {%s}}".formatted(map));
        try (Safetensors one = Safetensors.open(expected)) {
            double[] output = one.readDoubles("output");
            try (Safetensors other = Safetensors.open(predict(workspace, index))) {
                assertThat(other.readDoubles("output")).containsExactly(output);
            }
        }
    }

    private static Path predict(Workspace workspace, Path weights) {
        Path out = workspace.file("p-%s.safetensors".formatted(weights.getFileName()));
        Run run = Run.of(
                "predict",
                "--model",
                workspace.file("model.json").toString(),
                "--data",
                workspace.file("data.safetensors").toString(),
                "--weights",
                weights.toString(),
                "--out",
                out.toString());
        assertThat(run.code()).as(run.err()).isZero();
        return out;
    }

    private static Map<String, double[]> results(Workspace workspace) throws IOException {
        Run run = workspace.run();
        assertThat(run.code()).as(run.err()).isZero();
        Map<String, double[]> results = new TreeMap<>();
        Path file = workspace.file("results.safetensors");
        try (Safetensors tensors = Safetensors.open(file)) {
            tensors.tensors().keySet().forEach(name -> results.put(name, tensors.readDoubles(name)));
        }
        Files.delete(file);
        return results;
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual).containsOnlyKeys(expected.keySet());
        actual.forEach((name, numbers) -> assertThat(numbers).as(name).containsExactly(expected.get(name)));
    }
}
