// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.backpack4j.cli.Main;
import io.backpack4j.cockpit.page.OpenBrowser;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page of a run that is running, in a browser. Needs Chromium on the PATH. */
@Timeout(240)
class CockpitInBrowserTest {

    private static final String MODEL = """
            {"nodes": [{"name": "flat", "type": "Flatten", "inputs": ["input"]},
            {"name": "lift", "type": "Linear", "in_features": 784, "out_features": 16, "inputs": ["flat"]},
            {"name": "rectify", "type": "ReLU", "inputs": ["lift"]},
            {"name": "out", "type": "Linear", "in_features": 16, "out_features": 10, "inputs": ["rectify"]}],
            "output": "out", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    private static final List<String> CARDS = List.of(
            "alpha",
            "distance",
            "gradnorm",
            "tests",
            "hist1d",
            "loss",
            "balance",
            "inputs",
            "dead",
            "saturation",
            "updateratio",
            "noise",
            "unusual");

    @TempDir
    Path directory;

    @Test
    void a_run_that_is_running_is_drawn_as_its_log_says_also_when_the_page_is_loaded_anew() throws Exception {
        Optional<Path> browser = OpenBrowser.find();
        assumeTrue(browser.isPresent(), "Chromium is not on the PATH (Debian: apt-get install chromium)");
        Files.writeString(directory.resolve("model.json"), MODEL);
        Path log = directory.resolve("run.jsonl");
        StringWriter out = new StringWriter();
        Thread training = new Thread(() -> Main.run(
                new PrintWriter(out),
                new PrintWriter(out),
                "train",
                "--model",
                directory.resolve("model.json").toString(),
                "--optimizer",
                "SGD(lr=0.05)",
                "--cockpit",
                "economy",
                "--quantities",
                "DeadUnits,Saturation,UpdateRatio,NoiseScale,UnusualSamples(count=2)",
                "--batch",
                "16",
                "--epochs",
                "1000",
                "--log",
                log.toString(),
                "--out",
                directory.resolve("run").toString()));
        training.start();
        try {
            Matcher address = CockpitCase.ADDRESS.matcher("");
            while (!address.reset(out.toString()).find() && training.isAlive()) {
                Thread.sleep(50);
            }
            assertThat(out.toString()).containsPattern(CockpitCase.ADDRESS);
            try (OpenBrowser open =
                    new OpenBrowser(browser.get(), directory.resolve("profile"), URI.create(address.group()))) {
                requireDrawn(open, log, 20);
                open.reload();
                long seen = lastStep(open);
                requireDrawn(open, log, seen + 1);
                assertThat(training.isAlive()).isTrue();
                training.interrupt();
                training.join(60_000);
                assertThat(open.document(document -> document.contains("The run is over")))
                        .contains("The run is over");
            }
        } finally {
            training.interrupt();
            training.join(60_000);
        }
        assertThat(training.isAlive()).isFalse();
    }

    private static long lastStep(OpenBrowser open) throws Exception {
        String last = open.evaluate("runs[0].lastStep");
        return last.isEmpty() ? 0 : Long.parseLong(last);
    }

    /** All instruments have something in them, and the page's numbers are those of the log. */
    private static void requireDrawn(OpenBrowser open, Path log, long step) throws Exception {
        open.document(document -> {
            try {
                return lastStep(open) >= step + 2;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        String document = open.document(each -> CARDS.stream().allMatch(card -> each.contains("id=\"card-" + card)));
        for (String card : CARDS) {
            assertThat(document).contains("id=\"card-" + card + "\"");
            String drawn = "document.querySelectorAll('#card-%s svg *, #card-%s td').length".formatted(card, card);
            assertThat(Integer.parseInt(open.evaluate(drawn))).as(card).isGreaterThan(4);
        }
        JsonNode values = CockpitCase.values(log).get(step);
        for (String label : List.of("Loss", "NormTest", "Alpha", "GradNorm", "DeadUnits", "UpdateRatio")) {
            String shown =
                    open.evaluate("(s => JSON.stringify(s.values[s.steps.indexOf(%d)]))(runs[0].series.get('%s'))"
                            .formatted(step, label));
            assertThat(numbers(CockpitCase.JSON.readTree(shown))).as(label).isEqualTo(numbers(values.get(label)));
        }
    }

    /** A number, or those of a list: a script writes 0 where the log has 0.0. */
    private static List<Double> numbers(JsonNode value) {
        if (!value.isArray()) {
            return List.of(value.isNumber() ? value.asDouble() : Double.NaN);
        }
        return StreamSupport.stream(value.spliterator(), false)
                .map(JsonNode::asDouble)
                .toList();
    }
}
