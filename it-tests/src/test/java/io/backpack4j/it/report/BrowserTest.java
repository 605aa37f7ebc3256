// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.backpack4j.cli.Main;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a browser. Needs Chromium on the PATH. */
class BrowserTest {

    private static final long PATIENCE_SECONDS = 120;

    /** Two spectra, and the distance by numbers of draws. */
    private static final int CURVATURE_CHARTS = 3;

    /** Of the table of leading directions. */
    private static final int DIRECTION_COLUMNS = 5;

    @TempDir
    private Path folder;

    private Path browser = Path.of("");

    /**
     * What a browser made of a page.
     *
     * @param document the document after its scripts ran
     * @param console lines of the browser's console
     */
    private record Visit(String document, List<String> console) {}

    @BeforeEach
    void find_a_browser() {
        Optional<Path> found = Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(place -> Stream.of("chromium", "chromium-browser", "google-chrome")
                        .map(name -> Path.of(place, name)))
                .filter(Files::isExecutable)
                .findFirst();
        assumeTrue(found.isPresent(), "Chromium is not on the PATH (Debian: apt-get install chromium)");
        browser = found.orElseThrow();
    }

    @Test
    void draws_everything_without_complaints() throws IOException, InterruptedException {
        Visit visit =
                visit(Demo.run(folder.resolve("demo.html"), "--batch", "24").file());
        assertThat(visit.console()).isEmpty();
        int legends = 2;
        int images = 2 * 10;
        int samples = 2 * 12;
        int curvatureLegends = 2;
        int diagonals = 2 * 10;
        int factors = 2;
        assertThat(count(visit, "<canvas class=\"pixels\""))
                .isEqualTo(legends + images + samples + curvatureLegends + diagonals + factors);
        for (String kind : List.of("exact diagonal", "Monte-Carlo estimate")) {
            assertThat(count(
                            visit,
                            "<canvas class=\"pixels\" width=\"28\" height=\"28\" role=\"img\" aria-label=\"" + kind
                                    + ", class [0-9]\""))
                    .isEqualTo(10);
        }
        assertThat(visit.document()).contains("G of KFAC, 1.weight", "G of KFLR, 1.weight");
        assertThat(count(visit, "<div class=\"chart\"[^>]*><canvas[^>]* style=\"[^\"]*display: block"))
                .isEqualTo(4 + CURVATURE_CHARTS);
        assertThat(count(visit, "<th [^>]*scope=\"col\"")).isEqualTo(4 + 7 + 6 + DIRECTION_COLUMNS);
        assertThat(visit.document()).contains("<td>1.weight</td>", "Flatten, Linear(784, 10)");
    }

    @Test
    void draws_the_filters_of_a_convolution() throws IOException, InterruptedException {
        Visit visit = visit(Demo.run(folder.resolve("lenet.html"), "--model", "lenet", "--batch", "24")
                .file());
        assertThat(visit.console()).isEmpty();
        int legends = 3;
        int filters = 3 * 6;
        int samples = 2 * 12;
        int curvatureLegends = 1 + 4;
        int diagonals = 2 * 6;
        int factors = 2 * 4;
        assertThat(count(visit, "<canvas class=\"pixels\""))
                .isEqualTo(legends + filters + samples + curvatureLegends + diagonals + factors);
        for (String kind : List.of("value", "gradient", "variance")) {
            assertThat(count(
                            visit,
                            "<canvas class=\"pixels\" width=\"5\" height=\"5\" role=\"img\" aria-label=\"" + kind
                                    + ", filter [0-5]\""))
                    .isEqualTo(6);
        }
        assertThat(visit.document()).contains("value (left)", "gradient (middle)", "variance (right)");
        assertThat(count(visit, "<div class=\"chart\"[^>]*><canvas[^>]* style=\"[^\"]*display: block"))
                .isEqualTo(4 + CURVATURE_CHARTS);
        assertThat(visit.document()).contains("<td>3.weight</td>", "MaxPool2d(2), Conv2d(6, 16, 5)");
    }

    @Test
    void draws_the_characters_of_a_text() throws IOException, InterruptedException {
        Visit visit =
                visit(Demo.run(folder.resolve("text.html"), "--model", "charlm-lstm", "--steps", "2", "--batch", "4")
                        .file());
        assertThat(visit.console()).isEmpty();
        assertThat(count(visit, "<span title=\"[^\"]*: loss [0-9.]+, p = [0-9.e-]+\" style=\"background: color-mix"))
                .isEqualTo(4 * 64);
        assertThat(visit.document()).contains("<section id=\"text\" aria-labelledby=\"text-title\">");
        assertThat(count(visit, "aria-label=\"The most surprising characters\""))
                .isOne();
    }

    @Test
    void draws_suspicious_labels() throws IOException, InterruptedException {
        Path weights = folder.resolve("weights.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.to(weights)
                .tensor("1.weight", DType.FLOAT32, Shape.of(10, 784))
                .tensor("1.bias", DType.FLOAT32, Shape.of(10))
                .open()) {
            writer.write("1.weight", 0, new float[7840], 0, 7840);
            writer.write("1.bias", 0, new float[] {0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 10);
            writer.commit();
        }
        Path model = Files.writeString(folder.resolve("model.json"), """
                {"nodes": [{"name": "0", "type": "Flatten"},
                           {"name": "1", "type": "Linear", "in_features": 784, "out_features": 10}],
                 "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
                """);
        Path page = folder.resolve("audit.html");
        StringWriter err = new StringWriter();
        int code = Main.run(
                new PrintWriter(new StringWriter()),
                new PrintWriter(err),
                ("audit --backend cpu --threads 1 --top 12 --model " + model + " --weights " + weights + " --out "
                                + page)
                        .split(" "));
        assertThat(code).as(err.toString()).isZero();
        Visit visit = visit(page);
        assertThat(visit.console()).isEmpty();
        assertThat(
                        count(
                                visit,
                                "<canvas class=\"pixels\" width=\"28\" height=\"28\" role=\"img\" aria-label=\"sample \\d+, labelled \\d, predicted 1\""))
                .isEqualTo(12);
        assertThat(count(visit, "<figcaption><b>[02-9] → 1</b><br>[0-9]+ %<br>no. "))
                .isEqualTo(12);
        assertThat(count(visit, "<th [^>]*scope=\"col\"")).isEqualTo(5 + 1 + 4);
        assertThat(visit.document()).contains("data-suspects=\"12\"").doesNotContain("http:", "https:");
    }

    /** What clicks do is seen in copies of the page with one more script at their ends. */
    @Test
    void a_click_on_a_title_sorts() throws IOException, InterruptedException {
        Demo demo = Demo.run(folder.resolve("demo.html"), "--batch", "24");
        List<JsonNode> results = new ArrayList<>();
        demo.data().get("quantities").forEach(results::add);
        Comparator<JsonNode> byNorm =
                Comparator.comparingDouble(result -> result.get("norm").asDouble());
        List<String> unsorted = rows(results.stream());
        List<String> ascending = rows(results.stream().sorted(byNorm));
        List<String> descending = rows(results.stream().sorted(byNorm.reversed()));
        assertThat(ascending).hasSizeGreaterThan(3).isNotEqualTo(unsorted);
        assertThat(descending).isNotEqualTo(unsorted);
        assertThat(rows(visit(clicked(demo, 0)))).isEqualTo(unsorted);
        Visit once = visit(clicked(demo, 1));
        assertThat(rows(once)).isEqualTo(ascending);
        assertThat(count(once, "<th [^>]*aria-sort=\"ascending\"")).isOne();
        Visit twice = visit(clicked(demo, 2));
        assertThat(rows(twice)).isEqualTo(descending);
        assertThat(count(twice, "<th [^>]*aria-sort=\"descending\"")).isOne();
        assertThat(twice.console()).isEmpty();
    }

    private Path clicked(Demo demo, int clicks) throws IOException {
        String click = "document.querySelector('#quantities-body th:last-child button').click();";
        int end = demo.page().lastIndexOf("</body>");
        String page = demo.page().substring(0, end) + "<script>" + click.repeat(clicks) + "</script>"
                + demo.page().substring(end);
        return Files.writeString(folder.resolve("clicked" + clicks + ".html"), page);
    }

    private static List<String> rows(Stream<JsonNode> results) {
        return results.map(result -> result.get("parameter").asText() + " "
                        + result.get("quantity").asText())
                .toList();
    }

    private static List<String> rows(Visit visit) {
        String table = visit.document()
                .substring(visit.document().indexOf("id=\"quantities-body\""))
                .replaceFirst("(?s)</tbody>.*", "");
        return Pattern.compile("<tr><td>([^<]*)</td><td>([^<]*)</td>")
                .matcher(table)
                .results()
                .map(row -> row.group(1) + " " + row.group(2))
                .toList();
    }

    @Test
    void complaints_would_be_seen() throws IOException, InterruptedException {
        Path page = Files.writeString(folder.resolve("broken.html"), "<!DOCTYPE html><script>missing();</script>");
        assertThat(visit(page).console()).singleElement().asString().contains("missing is not defined");
    }

    private static long count(Visit visit, String pattern) {
        return Pattern.compile(pattern).matcher(visit.document()).results().count();
    }

    private Visit visit(Path page) throws IOException, InterruptedException {
        Path document = folder.resolve("document");
        Path log = folder.resolve("log");
        Process process = new ProcessBuilder(
                        browser.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--enable-logging=stderr",
                        "--user-data-dir=" + folder.resolve("profile"),
                        "--virtual-time-budget=5000",
                        "--dump-dom",
                        page.toUri().toString())
                .redirectOutput(document.toFile())
                .redirectError(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        List<String> console = Files.readString(log)
                .lines()
                .filter(line -> line.contains("CONSOLE"))
                .toList();
        return new Visit(Files.readString(document), console);
    }
}
