// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train} with a cockpit, its log read as plain JSON, and the page of logs. */
class CockpitCommandTest {

    private static final Path REFERENCE = Path.of("../cockpit/src/test/resources/reference");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:[0-9]+/[0-9a-f]{32}/");

    @TempDir
    private Path directory;

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    /** The files of a case, as a user has them; returns the options that name them. */
    private List<String> prepare(Safetensors file) throws IOException {
        Map<String, String> metadata = file.metadata();
        Files.writeString(directory.resolve("model.json"), metadata.get("model"));
        TensorFile batches = new TensorFile();
        for (String name : file.tensors().keySet()) {
            boolean batch = name.matches("step[0-9]+/(input|target)");
            if (!batch && name.contains("/")) {
                continue;
            }
            long[] shape = file.tensor(name).shape().toArray();
            if (file.tensor(name).type() == SafetensorsType.I64) {
                batches.put(name, shape, file.readLongs(name));
            } else {
                batches.put(name, shape, file.readDoubles(name));
            }
        }
        batches.write(directory.resolve("batches.safetensors"));
        List<String> quantities = new ArrayList<>();
        JSON.readTree(metadata.get("quantities")).forEach(each -> quantities.add(quantity(each)));
        return List.of(
                "train",
                "--model",
                path("model.json"),
                "--batches",
                path("batches.safetensors"),
                "--optimizer",
                call(JSON.readTree(metadata.get("optimizer"))),
                "--track",
                call(JSON.readTree(metadata.get("schedule"))),
                "--quantities",
                String.join(",", quantities),
                "--out",
                path("run"));
    }

    private static String quantity(JsonNode each) {
        List<String> options = new ArrayList<>();
        if (each.get("quantity").asText().equals("HessMaxEV")) {
            boolean magnitude = each.get("options").path("use_power").asBoolean();
            options.add(
                    "which=" + (magnitude ? "largest_magnitude" : "largest") + ",tolerance=1e-12,max_products=2000");
        } else {
            each.get("options")
                    .properties()
                    .forEach(option -> options.add(option.getKey() + "=" + text(option.getValue())));
        }
        if (each.hasNonNull("schedule")) {
            options.add("schedule=" + call(each.get("schedule")));
        }
        options.add("as=" + each.get("label").asText());
        return each.get("quantity").asText() + "(" + String.join(",", options) + ")";
    }

    private static String call(JsonNode call) {
        return call.properties().stream()
                .filter(entry -> !entry.getKey().equals("type"))
                .map(entry -> entry.getKey() + "=" + text(entry.getValue()))
                .collect(Collectors.joining(",", call.get("type").asText() + "(", ")"));
    }

    private static String text(JsonNode value) {
        if (value.isNull()) {
            return "none";
        }
        if (value.isArray()) {
            return StreamSupport.stream(value.spliterator(), false)
                    .map(CockpitCommandTest::text)
                    .collect(Collectors.joining(",", "[", "]"));
        }
        return value.isObject() ? call(value) : value.asText();
    }

    /** The values of a log by step, merged by label. */
    private static Map<Long, ObjectNode> values(Path log) throws IOException {
        Map<Long, ObjectNode> values = new TreeMap<>();
        for (String line : Files.readAllLines(log)) {
            JsonNode json = JSON.readTree(line);
            if (json.has("step")) {
                values.computeIfAbsent(json.get("step").asLong(), step -> JSON.createObjectNode())
                        .setAll((ObjectNode) json.get("values"));
            }
        }
        return values;
    }

    private static Run run(List<String> arguments, String... more) {
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of(more));
        Run run = Run.of(all.toArray(String[]::new));
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        return run;
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
        try (Safetensors file = Safetensors.open(REFERENCE.resolve("cockpit_" + name + ".safetensors"))) {
            List<String> arguments = prepare(file);
            Path log = directory.resolve("elsewhere/log.jsonl");
            Run run = run(arguments, "--log", log.toString());
            assertThat(run.out()).containsPattern(ADDRESS);
            JsonNode header = JSON.readTree(Files.readAllLines(log).get(0));
            assertThat(header.path("schema").isTextual()
                            && header.path("version").isInt())
                    .isTrue();
            assertThat(header.get("parameters"))
                    .isEqualTo(JSON.readTree(file.metadata().get("parameters")));
            assertThat(header.has("model") && header.has("optimizer") && header.has("seed"))
                    .isTrue();
            Map<Long, ObjectNode> values = values(log);
            SoftAssertions softly = new SoftAssertions();
            int compared = 0;
            for (JsonNode each : JSON.readTree(file.metadata().get("quantities"))) {
                String label = each.get("label").asText();
                for (long step = 0; step < Long.parseLong(file.metadata().get("steps")); step++) {
                    JsonNode value =
                            values.getOrDefault(step, JSON.createObjectNode()).path(label);
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
    @ValueSource(strings = {"momentum", "adam", "adapted_bins"})
    void a_resumed_run_has_the_values_of_one_that_went_through(String name) throws IOException {
        try (Safetensors file = Safetensors.open(REFERENCE.resolve("cockpit_" + name + ".safetensors"))) {
            List<String> arguments = prepare(file);
            run(arguments);
            Map<Long, ObjectNode> through = values(directory.resolve("run/run.jsonl"));
            List<String> halved = new ArrayList<>(arguments.subList(0, arguments.size() - 1));
            halved.add(path("halved"));
            run(halved, "--max-steps", "3");
            assertThat(values(directory.resolve("halved/run.jsonl"))).hasSize(3);
            run(halved, "--resume");
            Map<Long, ObjectNode> resumed = values(directory.resolve("halved/run.jsonl"));
            through.values().forEach(each -> each.remove("Time"));
            resumed.values().forEach(each -> each.remove("Time"));
            assertThat(resumed).isEqualTo(through);
            assertThat(Files.readAllBytes(directory.resolve("halved/model.safetensors")))
                    .isEqualTo(Files.readAllBytes(directory.resolve("run/model.safetensors")));
        }
    }

    @Test
    void watching_changes_nothing() throws IOException {
        try (Safetensors file = Safetensors.open(REFERENCE.resolve("cockpit_adam.safetensors"))) {
            List<String> arguments = new ArrayList<>(prepare(file));
            run(arguments);
            byte[] watched = Files.readAllBytes(directory.resolve("run/model.safetensors"));
            assertThat(directory.resolve("run/report.html")).content().contains("backpack4j-cockpit");
            int track = arguments.indexOf("--track");
            arguments.subList(track, track + 4).clear();
            run(arguments);
            assertThat(Files.readAllBytes(directory.resolve("run/model.safetensors")))
                    .isEqualTo(watched);
            assertThat(directory.resolve("run/report.html")).content().doesNotContain("backpack4j-cockpit");
            Run resumed = Run.of(with(arguments, "--resume", "--cockpit", "economy", "--epochs", "2"));
            assertThat(resumed.code()).isEqualTo(1);
            assertThat(resumed.err()).contains("without a cockpit");
        }
    }

    private static String[] with(List<String> arguments, String... more) {
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void an_alarm_ends_a_run_with_its_checkpoint() throws IOException {
        try (Safetensors file = Safetensors.open(REFERENCE.resolve("cockpit_alpha_regimes.safetensors"))) {
            List<String> arguments = prepare(file);
            Run run = run(arguments, "--stop-on", "step-too-large,stalled", "--alarms", "window=2,largest_alpha=0.2");
            assertThat(run.out()).contains("Stopped: alarm step-too-large at step", "the learning rate is too high");
            assertThat(values(directory.resolve("run/run.jsonl")).size()).isBetween(3, 5);
            try (var checkpoints = Files.list(directory.resolve("run/checkpoint"))) {
                assertThat(checkpoints).isNotEmpty();
            }
            run(arguments, "--resume", "--alarms", "window=2,largest_alpha=0.2");
            assertThat(values(directory.resolve("run/run.jsonl"))).hasSize(6);
        }
    }

    @Test
    void extensions_and_epochs_stand_in_the_same_log() throws IOException {
        try (Safetensors file = Safetensors.open(REFERENCE.resolve("cockpit_adam.safetensors"))) {
            List<String> arguments = prepare(file);
            run(arguments, "--extensions", "BatchL2Grad");
            List<String> log = Files.readAllLines(directory.resolve("run/run.jsonl"));
            assertThat(log)
                    .last()
                    .asString()
                    .startsWith("{\"epoch\":1,\"values\":{\"train_loss\":")
                    .contains("\"learning_rate\":0.01");
            assertThat(values(directory.resolve("run/run.jsonl")).get(5L).get("batch_l2"))
                    .hasSize(4);
        }
    }

    @Test
    void the_page_of_logs_is_written_or_served() throws Exception {
        try (Safetensors file = Safetensors.open(REFERENCE.resolve("cockpit_momentum.safetensors"))) {
            run(prepare(file));
        }
        run(List.of("cockpit", path("run"), path("run/run.jsonl"), "--out", path("page.html")));
        assertThat(directory.resolve("page.html")).content().contains("GradNorm", "run.jsonl");
        for (List<String> arguments :
                List.of(List.of("cockpit", path("run")), List.of("cockpit", path("run"), path("run/run.jsonl")))) {
            StringWriter out = new StringWriter();
            Thread command = new Thread(() -> io.backpack4j.cli.Main.run(
                    new PrintWriter(out), new PrintWriter(out), arguments.toArray(String[]::new)));
            command.start();
            Matcher address = ADDRESS.matcher("");
            while (!address.reset(out.toString()).find() && command.isAlive()) {
                Thread.sleep(20);
            }
            assertThat(out.toString()).containsPattern(ADDRESS);
            HttpResponse<String> page = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create(address.group())).build(),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(page.statusCode()).isEqualTo(200);
            assertThat(page.body()).contains("<html");
            command.interrupt();
            command.join(20_000);
            assertThat(command.isAlive()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "train --track linear(interval=2)|--cockpit or --quantities",
                "train --port 0|--cockpit or --quantities",
                "train --cockpit economic|is not one of economy, business, full",
                "train --cockpit economy --stop-on fire|is not one of step-too-large",
                "train --cockpit economy --track sometimes|There are linear and logarithmic",
                "train --quantities GradNorms|GradNorm",
                "cockpit missing.jsonl|cannot be read",
                "bench --problem mnist_mlp --batch 2 --cockpit economy --train|one after the other"
            })
    void mistakes_are_named(String line) {
        String[] parts = line.split("\\|");
        List<String> arguments = new ArrayList<>(List.of(parts[0].split(" ")));
        if (arguments.get(0).equals("train")) {
            arguments.addAll(List.of("--out", path("run")));
        }
        Run run = Run.of(arguments.toArray(String[]::new));
        assertThat(run.code()).isNotZero();
        assertThat(run.err()).contains(parts[1]).doesNotContain("Exception");
    }

    @Test
    void bench_times_steps_with_a_cockpit() throws JsonProcessingException {
        Run run = run(List.of(
                "bench",
                "--problem",
                "mnist_mlp",
                "--batch",
                "4",
                "--cockpit",
                "economy",
                "--repetitions",
                "2",
                "--json"));
        JsonNode json = JSON.readTree(run.out());
        assertThat(json.get("cockpit").asText()).isEqualTo("economy");
        for (String times : List.of("gradient_ms", "pass_ms", "plain_ms", "step_ms")) {
            assertThat(json.get(times).get("median").asDouble()).isPositive();
        }
        assertThat(json.get("step_ms").get("median").asDouble())
                .isGreaterThan(json.get("plain_ms").get("median").asDouble());
    }
}
