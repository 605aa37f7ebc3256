// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.backpack4j.formats.Safetensors;
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
import java.util.List;
import java.util.regex.Matcher;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train} with a cockpit, its log read as plain JSON, and the page of logs. */
class CockpitCommandTest {

    @TempDir
    private Path directory;

    private CockpitCase own;

    @BeforeEach
    void open() {
        own = new CockpitCase(directory);
    }

    @Test
    void watching_changes_nothing() throws IOException {
        try (Safetensors file = CockpitCase.open("adam")) {
            List<String> arguments = new ArrayList<>(own.prepare(file));
            CockpitCase.run(arguments);
            byte[] watched = Files.readAllBytes(directory.resolve("run/model.safetensors"));
            assertThat(directory.resolve("run/report.html")).content().contains("backpack4j-cockpit");
            int track = arguments.indexOf("--track");
            arguments.subList(track, track + 4).clear();
            CockpitCase.run(arguments);
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
        try (Safetensors file = CockpitCase.open("alpha_regimes")) {
            List<String> arguments = own.prepare(file);
            Run run = CockpitCase.run(
                    arguments, "--stop-on", "step-too-large,stalled", "--alarms", "window=2,largest_alpha=0.2");
            assertThat(run.out()).contains("Stopped: alarm step-too-large at step", "the learning rate is too high");
            assertThat(CockpitCase.values(directory.resolve("run/run.jsonl")).size())
                    .isBetween(3, 5);
            try (var checkpoints = Files.list(directory.resolve("run/checkpoint"))) {
                assertThat(checkpoints).isNotEmpty();
            }
            CockpitCase.run(arguments, "--resume", "--alarms", "window=2,largest_alpha=0.2");
            assertThat(CockpitCase.values(directory.resolve("run/run.jsonl"))).hasSize(6);
        }
    }

    @Test
    void extensions_and_epochs_stand_in_the_same_log() throws IOException {
        try (Safetensors file = CockpitCase.open("adam")) {
            List<String> arguments = own.prepare(file);
            CockpitCase.run(arguments, "--extensions", "BatchL2Grad");
            List<String> log = Files.readAllLines(directory.resolve("run/run.jsonl"));
            assertThat(log)
                    .last()
                    .asString()
                    .startsWith("{\"epoch\":1,\"values\":{\"train_loss\":")
                    .contains("\"learning_rate\":0.01");
            assertThat(CockpitCase.values(directory.resolve("run/run.jsonl"))
                            .get(5L)
                            .get("batch_l2"))
                    .hasSize(4);
        }
    }

    @Test
    void the_page_of_logs_is_written_or_served() throws Exception {
        try (Safetensors file = CockpitCase.open("momentum")) {
            CockpitCase.run(own.prepare(file));
        }
        CockpitCase.run(List.of("cockpit", own.path("run"), own.path("run/run.jsonl"), "--out", own.path("page.html")));
        assertThat(directory.resolve("page.html")).content().contains("GradNorm", "run.jsonl");
        for (List<String> arguments : List.of(
                List.of("cockpit", own.path("run")), List.of("cockpit", own.path("run"), own.path("run/run.jsonl")))) {
            StringWriter out = new StringWriter();
            Thread command = new Thread(() -> io.backpack4j.cli.Main.run(
                    new PrintWriter(out), new PrintWriter(out), arguments.toArray(String[]::new)));
            command.start();
            Matcher address = CockpitCase.ADDRESS.matcher("");
            while (!address.reset(out.toString()).find() && command.isAlive()) {
                Thread.sleep(20);
            }
            assertThat(out.toString()).containsPattern(CockpitCase.ADDRESS);
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
            arguments.addAll(List.of("--out", own.path("run")));
        }
        Run run = Run.of(arguments.toArray(String[]::new));
        assertThat(run.code()).isNotZero();
        assertThat(run.err()).contains(parts[1]).doesNotContain("Exception");
    }

    @Test
    void bench_times_steps_with_a_cockpit() throws JsonProcessingException {
        Run run = CockpitCase.run(List.of(
                "bench",
                "--problem",
                "mnist_mlp",
                "--batch",
                "4",
                "--cockpit",
                "economy",
                "--warm-up",
                "1",
                "--repetitions",
                "2",
                "--json"));
        JsonNode json = CockpitCase.JSON.readTree(run.out());
        assertThat(json.get("cockpit").asText()).isEqualTo("economy");
        for (String times : List.of("gradient_ms", "pass_ms", "plain_ms", "step_ms")) {
            assertThat(json.get(times).get("median").asDouble()).isPositive();
        }
        assertThat(json.get("step_ms").get("median").asDouble())
                .isGreaterThan(json.get("plain_ms").get("median").asDouble());
    }
}
