// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code inspect}. */
class InspectTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    @Test
    void layers_have_shapes_and_sizes() throws IOException {
        Run run = Run.of("inspect", architecture("vgg11"), "--input-shape", "3,32,32", "--batch", "4");
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        // 3 · 8 · 9 weights and 8 biases; 2 · 8 · 32² · 3 · 9 operations
        assertThat(run.out()).containsPattern("\n0 +Conv2d +\\[8, 32, 32\\] +224 +0\\.442\n");
        assertThat(run.out())
                .contains("supported for all parameters: ", "BatchGrad", "KFAC")
                .containsPattern("cost of the gradient:\n  time    about [0-9.]+ m?s")
                .containsPattern("memory  [0-9.]+ MiB, [0-9.]+ MiB of it results");
    }

    @Test
    void refusals_come_with_a_reason_and_the_layers_that_remain() throws IOException {
        JsonNode json = json("inspect", architecture("gpt"), "--input-shape=6", "--json");
        JsonNode kfac = json.get("quantities").get("KFAC");
        assertThat(kfac.get("supported").asBoolean()).isFalse();
        assertThat(kfac.get("reason").asText()).contains("wte.weight", "parameters=");
        assertThat(kfac.get("layers").toString())
                .contains("blocks.0.attention.qkv")
                .doesNotContain("wte", "head");
        assertThat(json.get("quantities").get("BatchL2Grad").get("supported").asBoolean())
                .isTrue();
        JsonNode head = json.get("layers").get(json.get("layers").size() - 2);
        assertThat(json.get("parameters").asLong()).isEqualTo(13 * 8 + 6 * 8 + 2 * 600 + 16);
        assertThat(head.get("name").asText()).isEqualTo("head");
        assertThat(head.get("tensors").get("weight").toString()).contains("\"tied\"", "wte.weight");
    }

    @Test
    void a_budget_that_does_not_do_is_refused_before_anything_runs() throws IOException {
        Run run = Run.of(
                "inspect",
                architecture("vgg11"),
                "--input-shape=3,32,32",
                "--batch=4",
                "--extensions=BatchGrad",
                "--memory=64KiB");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err()).contains("[MemoryBudget]", "The smallest budget that would do is ");
    }

    @Test
    void all_problems_are_reported_together() throws IOException {
        Run run = Run.of(
                "inspect", architecture("vgg11"), "--input-shape", "3,x,32", "--extensions", "BatchGrd,Variance(a=1)");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .contains("--input-shape 3,x,32 is no shape of one sample", "Did you mean 'BatchGrad'?", "'a'");
        Run both = Run.of("inspect", architecture("vgg11"), "--batch", "3", "--data", "no.safetensors");
        assertThat(both.err()).contains("--data says what --input-shape and --batch say", "no.safetensors");
        Run none = Run.of("inspect", architecture("vgg11"));
        assertThat(none.err()).contains("No shape is known of the input input");
        Run other = Run.of("inspect", architecture("vgg11"), "--input-shape", "mask=3", "--input-shape", "7,7");
        assertThat(other.err()).contains("--input-shape mask=3 names no input of the model, which has input");
        Run small = Run.of("inspect", architecture("vgg11"), "--input-shape", "4,32,32");
        assertThat(small.err()).contains("[ShapeMismatch]");
    }

    private static JsonNode json(String... arguments) throws IOException {
        Run run = Run.of(arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.out().lines()).hasSize(1);
        return JSON.readTree(run.out());
    }

    /** The model file of a fixture. */
    private String architecture(String name) throws IOException {
        String resource = "/architectures/" + name + ".json";
        try (InputStream stream = Objects.requireNonNull(InspectTest.class.getResourceAsStream(resource))) {
            Path file = directory.resolve(name + ".json");
            Files.writeString(file, JSON.readTree(stream).get("model").toString());
            return file.toString();
        }
    }
}
