// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.log.LogHeader;
import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.log.LogWriter;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page in a browser. Needs Chromium on the PATH. */
@Timeout(180)
class BrowserTest {

    private static final List<String> TYPES = List.of(
            "Loss",
            "Alpha",
            "GradNorm",
            "Distance",
            "UpdateSize",
            "NormTest",
            "InnerTest",
            "OrthoTest",
            "GradHist1d",
            "GradHist2d",
            "HessMaxEV",
            "HessTrace",
            "TICDiag",
            "MeanGSNR",
            "CABS",
            "EarlyStopping",
            "DeadUnits",
            "Saturation",
            "ClassBalance",
            "InputScale");

    @TempDir
    Path folder;

    private Path browser = Path.of("");

    @BeforeEach
    void find_a_browser() {
        Optional<Path> found = OpenBrowser.find();
        assumeTrue(found.isPresent(), "Chromium is not on the PATH (Debian: apt-get install chromium)");
        browser = found.orElseThrow();
    }

    private static LogLine header() {
        Map<String, String> quantities = new LinkedHashMap<>();
        TYPES.forEach(type -> quantities.put(type, type));
        return new LogHeader(
                        "<b>m</b>", "SGD(lr=0.1)", 0, List.of("0.weight", "0.bias"), quantities, OptionalLong.empty())
                .line(Map.of("TICTrace", "<script>alert(1)</script>"));
    }

    private static LogLine step(long number) {
        Map<String, Measurement> measured = new LinkedHashMap<>();
        for (String type : TYPES) {
            measured.put(type, Measurement.of(0.25 + number));
        }
        measured.put("GradNorm", new Measurement(Value.of(3.0 * (number + 1), 4.0 * (number + 1)), Map.of()));
        measured.put("DeadUnits", new Measurement(Value.of(0.125, 0.5), Map.of("layers", List.of("relu.a", "relu.b"))));
        measured.put(
                "ClassBalance",
                new Measurement(
                        Value.of(0.75),
                        Map.of(
                                "samples",
                                640,
                                "classes",
                                2,
                                "most",
                                Map.of("class", 1, "share", 0.75),
                                "least",
                                Map.of("class", 0, "share", 0.25))));
        measured.put(
                "GradHist1d",
                new Measurement(new Value.Histogram(List.of(1L, number), List.of(-1.0, 0.0, 1.0)), Map.of()));
        measured.put(
                "GradHist2d",
                new Measurement(
                        new Value.JointHistogram(
                                List.of(List.of(1L, number)),
                                List.of(0.0, 1.0),
                                List.of(0.0, 0.5, 1.0),
                                Map.of("0.weight", List.of(List.of(1L, number)))),
                        Map.of()));
        return LogLine.step(number, measured);
    }

    private String visit(String address, String... options) throws IOException, InterruptedException {
        Path out = folder.resolve("document.html");
        Path log = folder.resolve("browser.log");
        List<String> command = new ArrayList<>(List.of(
                browser.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-logging=stderr",
                "--user-data-dir=" + folder.resolve("profile"),
                "--dump-dom"));
        command.addAll(List.of(options));
        command.add(address);
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS))
                    .as("the browser ends")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(Files.readAllLines(log)).noneMatch(line -> line.contains("CONSOLE"));
        return Files.readString(out);
    }

    private static void requireAllInstruments(String document, String now) {
        for (String card : List.of(
                "alpha",
                "distance",
                "gradnorm",
                "tests",
                "hist1d",
                "hist2d",
                "maxev",
                "trace",
                "tic",
                "rate",
                "loss",
                "gsnr",
                "cabs",
                "stopping",
                "layers",
                "dead",
                "saturation",
                "balance",
                "inputs")) {
            assertThat(document).as(card).contains("id=\"card-" + card + "\"");
        }
        assertThat(document).contains("20.25 at step 20", "105 at step 20").contains(now);
        assertThat(document)
                .contains("relu.a: 0.125 · relu.b: 0.5 at step 20")
                .contains("640 samples of 2 classes: most class 1 75.0 %, least class 0 25.0 %");
        assertThat(document).doesNotContain("<script>alert", "<b>m</b>").contains("&lt;b&gt;m&lt;/b&gt;");
        assertThat(document.split("<path", -1)).hasSizeGreaterThan(20);
    }

    @Test
    void a_finished_run_is_drawn_as_its_log_says() throws IOException, InterruptedException {
        List<LogLine> lines = new ArrayList<>(List.of(header()));
        for (long step = 0; step <= 20; step++) {
            lines.add(step(step));
        }
        lines.add(LogLine.epoch(0, new double[] {0.1}, Map.of("train_loss", 0.5)));
        Path log = folder.resolve("run.jsonl");
        try (var writer = LogWriter.open(log, false)) {
            lines.forEach(writer::write);
        }
        Path page = folder.resolve("report.html");
        CockpitPage.write(Map.of("run", RunLog.read(log)), AlarmOptions.DEFAULT, page);
        requireAllInstruments(visit(page.toUri().toString(), "--virtual-time-budget=3000"), "0.1 in epoch 0");
    }

    /**
     * The browser comes while the run goes on, loses the connection, comes back to the same address, and sees the end.
     */
    @Test
    void a_run_that_goes_on_is_drawn_to_its_end_whatever_happens_to_the_connection() throws Exception {
        LivePage page = LivePage.open(0, "run", AlarmOptions.DEFAULT);
        try (OpenBrowser open = new OpenBrowser(browser, folder.resolve("profile"), page.address())) {
            page.accept(header());
            for (long step = 0; step < 10; step++) {
                page.accept(step(step));
            }
            assertThat(open.document(document -> document.contains("9.25 at step 9")))
                    .contains("9.25 at step 9", "Live");
            page.disconnect();
            for (long step = 10; step <= 20; step++) {
                page.accept(step(step));
            }
            page.accept(LogLine.epoch(0, new double[] {0.1}, Map.of("train_loss", 0.5)));
            requireAllInstruments(
                    open.document(document -> document.contains("20.25 at step 20") && document.contains("card-rate")),
                    "0.1 in epoch 0");
            page.close();
            assertThat(open.document(document -> document.contains("The run is over")))
                    .contains("The run is over", "20.25 at step 20");
        } finally {
            page.close();
        }
    }

    /** The page keeps a part of the points, draws what it keeps, and is not slower for a longer run. */
    @Test
    void ten_thousand_steps_stay_within_bounds_in_the_browser() throws Exception {
        try (LivePage page = LivePage.open(0, "run", AlarmOptions.DEFAULT);
                OpenBrowser open = new OpenBrowser(browser, folder.resolve("profile"), page.address())) {
            page.accept(header());
            for (long step = 0; step <= 10_000; step++) {
                page.accept(LogLine.step(
                        step,
                        Map.of(
                                "Loss",
                                Measurement.of(1.0 / (step + 1)),
                                "GradNorm",
                                new Measurement(Value.of(1.0, 2.0), Map.of()))));
            }
            assertThat(open.document(document -> document.contains("at step 10000")))
                    .contains("at step 10000")
                    .hasSizeLessThan(5_000_000);
            assertThat(Integer.parseInt(
                            open.evaluate("Math.max(...[...runs[0].series.values()].map(each => each.steps.length))")))
                    .isBetween(1000, 3000);
            assertThat(Double.parseDouble(open.evaluate("performance.memory.usedJSHeapSize")))
                    .isLessThan(200e6);
        }
    }
}
