// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reference cases through {@code train}: logs have the original's values, also of runs that go on. */
class CockpitReferenceTest {

    @TempDir
    private Path directory;

    private CockpitCase own;

    @BeforeEach
    void open() {
        own = new CockpitCase(directory);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mlp_tanh_ce",
                "cnn_relu_ce",
                "mlp_sigmoid_mse",
                "momentum",
                "adam",
                "batch_sizes",
                "alpha_regimes",
                "negative_curvature",
                "schedule_linear2",
                "schedule_offset",
                "schedule_logarithmic",
                "adapted_bins"
            })
    void a_log_has_the_originals_values(String name) throws IOException {
        try (Safetensors file = CockpitCase.open(name)) {
            List<String> arguments = own.prepare(file);
            Path log = directory.resolve("elsewhere/log.jsonl");
            Run run = CockpitCase.run(arguments, "--log", log.toString());
            assertThat(run.out()).containsPattern(CockpitCase.ADDRESS);
            JsonNode header = CockpitCase.JSON.readTree(Files.readAllLines(log).get(0));
            assertThat(header.path("schema").isTextual()
                            && header.path("version").isInt())
                    .isTrue();
            assertThat(header.get("parameters"))
                    .isEqualTo(CockpitCase.JSON.readTree(file.metadata().get("parameters")));
            assertThat(header.has("model") && header.has("optimizer") && header.has("seed"))
                    .isTrue();
            Map<Long, ObjectNode> values = CockpitCase.values(log);
            SoftAssertions softly = new SoftAssertions();
            int compared = 0;
            for (JsonNode each : CockpitCase.JSON.readTree(file.metadata().get("quantities"))) {
                String label = each.get("label").asText();
                for (long step = 0; step < Long.parseLong(file.metadata().get("steps")); step++) {
                    JsonNode value = values.getOrDefault(step, CockpitCase.JSON.createObjectNode())
                            .path(label);
                    compared += compare(softly, file, step, label, value) ? 1 : 0;
                }
            }
            softly.assertAll();
            assertThat(compared).isGreaterThanOrEqualTo(20);
            parameters(file, "run/model.safetensors", "final/");
        }
    }

    /** Whether there was something to compare. */
    private boolean compare(SoftAssertions softly, Safetensors file, long step, String label, JsonNode value) {
        String where = "step%d/%s".formatted(step, label);
        if (label.equals("Parameters")) {
            boolean stored = file.tensors().keySet().stream().anyMatch(name -> name.startsWith(where + "/"));
            softly.assertThat(!value.isMissingNode()).as(where).isEqualTo(stored);
            if (stored) {
                softly.assertThat(value.asText()).as(where).isEqualTo("parameters/step%d.safetensors".formatted(step));
                parameters(file, "run/" + value.asText(), where + "/");
            }
            return stored;
        }
        if (file.tensors().containsKey(where + "/hist")) {
            boolean joint = file.tensors().containsKey(where + "/edges/0");
            softly.assertThat(numbers(value.path("counts"))).as(where).containsExactly(counts(file, where + "/hist"));
            for (int axis = 0; axis < (joint ? 2 : 1); axis++) {
                JsonNode edges = value.path("edges");
                near(
                        softly,
                        where,
                        numbers(joint ? edges.path(axis) : edges),
                        file.readDoubles(where + (joint ? "/edges/" + axis : "/edges")),
                        1e-12);
            }
            value.path("individual")
                    .properties()
                    .forEach(own -> softly.assertThat(numbers(own.getValue().path("counts")))
                            .as("%s of %s", where, own.getKey())
                            .containsExactly(counts(file, where + "/" + own.getKey() + "/hist")));
            return true;
        }
        String expected = where;
        if (label.startsWith("HessMaxEV")) {
            String exact =
                    "step%d/exact/hessian_largest%s".formatted(step, label.endsWith("eigsh") ? "" : "_magnitude");
            expected = file.tensors().containsKey(exact) && !value.isMissingNode() ? exact : where;
        }
        boolean stored = file.tensors().containsKey(expected) && !Double.isNaN(file.readDoubles(expected)[0]);
        softly.assertThat(!value.isMissingNode()).as(where).isEqualTo(stored);
        if (stored) {
            near(softly, where, numbers(value), file.readDoubles(expected), label.startsWith("TICDiag") ? 1e-7 : 1e-9);
        }
        return stored;
    }

    private static void near(
            SoftAssertions softly, String where, double[] actual, double[] expected, double tolerance) {
        softly.assertThat(actual).as(where).hasSameSizeAs(expected);
        double scale = 1;
        for (double each : expected) {
            scale = Math.max(scale, Math.abs(each));
        }
        for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
            softly.assertThat(actual[i]).as("%s[%d]", where, i).isCloseTo(expected[i], within(tolerance * scale));
        }
    }

    private static double[] counts(Safetensors file, String name) {
        return Arrays.stream(file.readLongs(name)).mapToDouble(each -> each).toArray();
    }

    /** A number, or all those of nested lists. */
    private static double[] numbers(JsonNode value) {
        if (!value.isArray()) {
            return new double[] {value.isNumber() ? value.asDouble() : Double.NaN};
        }
        return StreamSupport.stream(value.spliterator(), false)
                .flatMapToDouble(each -> Arrays.stream(numbers(each)))
                .toArray();
    }

    private void parameters(Safetensors file, String own, String prefix) {
        try (Safetensors written = Safetensors.open(directory.resolve(own))) {
            for (String name : written.tensors().keySet()) {
                double[] expected = file.readDoubles(prefix + name);
                double[] actual = written.readDoubles(name);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(actual[i]).as(prefix + name).isCloseTo(expected[i], within(1e-9));
                }
            }
        }
    }

    /** State of momentum, bins, distances and the last update is in the checkpoint. */
    @ParameterizedTest
    @ValueSource(strings = {"adam", "adapted_bins"})
    void a_resumed_run_has_the_values_of_one_that_went_through(String name) throws IOException {
        try (Safetensors file = CockpitCase.open(name)) {
            List<String> arguments = own.prepare(file);
            CockpitCase.run(arguments);
            Map<Long, ObjectNode> through = CockpitCase.values(directory.resolve("run/run.jsonl"));
            List<String> halved = new ArrayList<>(arguments.subList(0, arguments.size() - 1));
            halved.add(own.path("halved"));
            CockpitCase.run(halved, "--max-steps", "3");
            assertThat(CockpitCase.values(directory.resolve("halved/run.jsonl")))
                    .hasSize(3);
            CockpitCase.run(halved, "--resume");
            Map<Long, ObjectNode> resumed = CockpitCase.values(directory.resolve("halved/run.jsonl"));
            through.values().forEach(each -> each.remove("Time"));
            resumed.values().forEach(each -> each.remove("Time"));
            assertThat(resumed).isEqualTo(through);
            assertThat(Files.readAllBytes(directory.resolve("halved/model.safetensors")))
                    .isEqualTo(Files.readAllBytes(directory.resolve("run/model.safetensors")));
        }
    }
}
