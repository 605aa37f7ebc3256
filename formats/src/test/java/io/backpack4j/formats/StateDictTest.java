// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of checkpoints, and checkpoints in several files. */
class StateDictTest {

    @TempDir
    private Path directory;

    private static final StateDictNames NAMES =
            new StateDictNames(List.of("input"), List.of("a", "b"), Map.of("b.weight", "a.weight"));

    @Test
    void prefixesOfWrappersAreLeftAway() {
        assertThat(matched(NAMES, "model.a.weight", "model.c.bias", "input", "target", "vec/a.weight"))
                .containsExactlyInAnyOrder("a.weight", "c.bias", "input", "target", "vec/a.weight");
        assertThat(matched(NAMES, "_orig_mod.module.model.a.weight", "_orig_mod.module.model.a.bias"))
                .containsExactlyInAnyOrder("a.weight", "a.bias");
    }

    @Test
    void otherNamesStayAsTheyAre() {
        assertThat(matched(NAMES, "model.a.weight", "head.weight"))
                .as("not all have it")
                .containsExactlyInAnyOrder("model.a.weight", "head.weight");
        assertThat(matched(NAMES, "net.a.weight")).containsExactly("net.a.weight");
        StateDictNames nested = new StateDictNames(List.of("input"), List.of("model.a"), Map.of());
        assertThat(matched(nested, "model.a.weight"))
                .as("the model has it, too")
                .containsExactly("model.a.weight");
        assertThat(matched(new StateDictNames(List.of("input"), List.of("model"), Map.of()), "model.weight"))
                .containsExactly("model.weight");
    }

    @Test
    void aTiedParameterStandsForItsMissingOwner() {
        Path file = write("one", "b.weight");
        try (Safetensors opened = Safetensors.open(file)) {
            Safetensors matched = NAMES.matched(opened);
            assertThat(matched.tensors()).containsOnlyKeys("a.weight", "b.weight");
            assertThat(matched.readDoubles("a.weight")).containsExactly(opened.readDoubles("b.weight"));
            assertThat(matched.tensor("a.weight").name()).isEqualTo("a.weight");
        }
        assertThat(matched(NAMES, "a.weight")).containsExactly("a.weight");
    }

    @Test
    void severalFilesAreOne() throws IOException {
        write("part-1", "a.weight", "a.bias");
        write("part-2", "b.weight");
        Path index = index(
                "{\"metadata\": {\"total_size\": 24}, \"weight_map\": {\"a.weight\": \"part-1\", \"b.weight\": \"part-2\", \"a.bias\": \"part-1\"}}");
        try (Safetensors file = Safetensors.open(index);
                Safetensors second = Safetensors.open(directory.resolve("part-2"))) {
            assertThat(file.tensors()).containsOnlyKeys("a.weight", "a.bias", "b.weight");
            assertThat(file.readDoubles("b.weight")).containsExactly(second.readDoubles("b.weight"));
            assertThatThrownBy(() -> file.tensor("c"))
                    .hasMessageContaining("model.safetensors.index.json")
                    .hasMessageContaining("'a.bias', 'a.weight', 'b.weight'");
        }
    }

    @Test
    void filesThatDoNotBelongTogetherAreRefused() throws IOException {
        write("part-1", "a.weight");
        write("part-2", "b.weight", "b.bias");
        Path missing = index("{\"weight_map\": {\"a.weight\": \"part-1\", \"a.bias\": \"part-1\"}}");
        assertThatThrownBy(() -> Safetensors.open(missing))
                .hasMessageContaining("has no tensor 'a.bias', but its index")
                .hasMessageContaining("says that it has");
        Path more = index("{\"weight_map\": {\"b.weight\": \"part-2\"}}");
        assertThatThrownBy(() -> Safetensors.open(more)).hasMessageContaining("has tensor 'b.bias', but its index");
        Path absent = index("{\"weight_map\": {\"a.weight\": \"part-3\"}}");
        assertThatThrownBy(() -> Safetensors.open(absent)).hasMessageContaining("part-3");
        for (String elsewhere : List.of("../part-1", "/part-1", "..", "a\\\\b", "", "x.index.json")) {
            Path outside = index("{\"weight_map\": {\"a.weight\": \"%s\"}}".formatted(elsewhere));
            assertThatThrownBy(() -> Safetensors.open(outside)).hasMessageContaining("no name of a file beside it");
        }
        for (String text : List.of("{}", "{\"weight_map\": []}", "{\"weight_map\": {}}")) {
            Path none = index(text);
            assertThatThrownBy(() -> Safetensors.open(none)).hasMessageContaining("is no index of a checkpoint");
        }
        Path number = index("{\"weight_map\": {\"a.weight\": 3}}");
        assertThatThrownBy(() -> Safetensors.open(number)).hasMessageContaining("no name of a file beside it");
        assertThatThrownBy(() -> Safetensors.open(directory.resolve("none.index.json")))
                .hasMessageContaining("does not exist");
    }

    private Iterable<String> matched(StateDictNames names, String... tensors) {
        try (Safetensors file = Safetensors.open(write("any", tensors))) {
            return List.copyOf(names.matched(file).tensors().keySet());
        }
    }

    private Path index(String json) throws IOException {
        return Files.writeString(directory.resolve("model.safetensors.index.json"), json);
    }

    private Path write(String file, String... tensors) {
        Path path = directory.resolve(file);
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(path);
        for (String tensor : tensors) {
            builder.tensor(tensor, DType.FLOAT32, Shape.of(2));
        }
        try (SafetensorsWriter writer = builder.open()) {
            for (String tensor : tensors) {
                double[] numbers = new double[2];
                Arrays.fill(numbers, tensor.hashCode() % 100);
                writer.write(tensor, 0, numbers, 0, 2);
            }
            writer.commit();
        }
        return path;
    }
}
