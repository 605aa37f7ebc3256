// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in the page. */
class PageTest {

    private static final String CLASSIFIER = """
            {"nodes": [{"name": "0", "type": "Flatten"},
                       {"name": "1", "type": "Linear", "in_features": 4, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;
    private static final String CONVOLUTION = """
            {"nodes": [{"name": "0", "type": "Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 2},
                       {"name": "1", "type": "Flatten"}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;
    private static final String BEHIND_AN_ACTIVATION = """
            {"nodes": [{"name": "0", "type": "Flatten"},
                       {"name": "1", "type": "ReLU"},
                       {"name": "2", "type": "Linear", "in_features": 4, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;
    private static final double HALF_DIAGONAL = Math.sqrt(0.5) / 2;

    @TempDir
    private Path folder;

    @Test
    void needs_nothing_but_itself() throws IOException {
        String page = digits().page();
        assertThat(page).hasSizeLessThan(1_500_000);
        assertThat(Pattern.compile("<[^>]*(src|href)\\s*=|@import|url\\(|<link|fetch\\(|XMLHttpRequest|sourceMapping")
                        .matcher(page)
                        .results()
                        .map(match -> match.group()))
                .isEmpty();
        assertThat(page).contains("default-src 'none'").doesNotContain("/*DATA*/", "/*LIBRARY*/", "/*STYLE*/");
        assertThat(Pattern.compile("</script>").matcher(page).results()).hasSize(4);
    }

    @Test
    void tells_where_it_is() throws IOException {
        Demo demo = digits();
        assertThat(demo.printed()).contains(demo.file().toAbsolutePath().toString());
    }

    /** With all parameters zero both classes have probability one half, and everything follows by hand. */
    @Test
    void has_the_numbers_of_a_tiny_run() throws IOException {
        Path model = Files.writeString(folder.resolve("m.json"), CLASSIFIER);
        JsonNode data = Demo.run(folder.resolve("tiny.html"), "--model", model.toString(), "--data", batch().toString())
                .data();
        JsonNode images = data.get("images");
        assertThat(images.get("parameter").asText()).isEqualTo("1.weight");
        assertThat(images.get("height").asInt()).isEqualTo(2);
        JsonNode first = images.get("units").get(0);
        assertThat(first.get("label").asText()).isEqualTo("class 0");
        assertThat(numbers(first.get("gradient"))).containsExactly(-0.25, 0.5, 0.0, 0.0);
        assertThat(numbers(images.get("units").get(1).get("gradient"))).containsExactly(0.25, -0.5, 0.0, 0.0);
        assertThat(first.get("variance")).hasSize(4);
        JsonNode norms = data.get("norms");
        assertThat(norms.get("least").asDouble()).isEqualTo(HALF_DIAGONAL * Math.sqrt(2), within(1e-4));
        assertThat(norms.get("greatest").asDouble()).isEqualTo(HALF_DIAGONAL * Math.sqrt(5), within(1e-4));
        assertThat(norms.get("unusual").get(0).get("index").asInt()).isEqualTo(1);
        assertThat(norms.get("unusual").get(0).get("loss").asDouble()).isEqualTo(Math.log(2), within(1e-4));
        assertThat(numbers(norms.get("unusual").get(0).get("pixels"))).containsExactly(0.0, 255.0, 0.0, 0.0);
        assertThat(data.get("timings")).hasSizeGreaterThan(2);
    }

    /**
     * A filter as large as its only image is a linear module, so the numbers are those of {@link
     * #has_the_numbers_of_a_tiny_run}.
     */
    @Test
    void has_the_numbers_of_tiny_filters() throws IOException {
        Path model = Files.writeString(folder.resolve("m.json"), CONVOLUTION);
        Path file = batch(Shape.of(2, 1, 2, 2), Shape.of(2, 1, 2, 2), "0", 0.5);
        JsonNode images = Demo.run(folder.resolve("tiny.html"), "--model", model.toString(), "--data", file.toString())
                .data()
                .get("images");
        assertThat(images.get("parameter").asText()).isEqualTo("0.weight");
        assertThat(images.get("valueLimit").asDouble()).isEqualTo(0.5);
        JsonNode first = images.get("units").get(0);
        assertThat(first.get("label").asText()).isEqualTo("filter 0");
        assertThat(numbers(first.get("value"))).containsExactly(0.5, 0.5, 0.5, 0.5);
        assertThat(numbers(first.get("gradient"))).containsExactly(-0.25, 0.5, 0.0, 0.0);
        assertThat(first.get("variance")).hasSize(4);
    }

    /**
     * With all parameters zero the Hessian of every loss is ±1/4, so G = 1/4 (1 −1; −1 1) after the mean, and A is half
     * the inputs' squares. Two classes of equal probability have gradients ±1/2: every draw gives the exact G.
     */
    @Test
    void has_the_curvature_of_a_tiny_run() throws IOException {
        Path model = Files.writeString(folder.resolve("m.json"), CLASSIFIER);
        JsonNode curvature = Demo.run(
                        folder.resolve("curved.html"), "--model", model.toString(), "--data", batch().toString())
                .data()
                .get("curvature");
        for (JsonNode unit : curvature.get("diagonals").get("units")) {
            assertThat(numbers(unit.get("exact"))).containsExactly(0.125, 0.5, 0.0, 0.0);
            assertThat(numbers(unit.get("estimate"))).containsExactly(0.125, 0.5, 0.0, 0.0);
        }
        assertThat(curvature.get("diagonals").get("limit").asDouble()).isEqualTo(0.5);
        JsonNode outputs = curvature.get("spectra").get(0);
        assertThat(outputs.get("side").asText()).isEqualTo("G");
        assertThat(outputs.get("greatest").asDouble()).isEqualTo(0.5, within(1e-6));
        assertThat(outputs.get("most").asInt()).isOne();
        assertThat(outputs.get("points")).hasSize(1);
        JsonNode inputs = curvature.get("spectra").get(1);
        assertThat(inputs.get("side").asText()).isEqualTo("A");
        assertThat(numbers(inputs.get("points").get(0))).containsExactly(1.0, 2.0);
        assertThat(numbers(inputs.get("points").get(1))).containsExactly(2.0, 0.5);
        assertThat(inputs.get("trace").asDouble()).isEqualTo(2.5, within(1e-6));
        JsonNode pair = curvature.get("factors").get(0);
        assertThat(numbers(pair.get("exact"))).containsExactly(0.25, -0.25, -0.25, 0.25);
        assertThat(pair.get("distance").asDouble()).isEqualTo(0, within(1e-5));
    }

    /** With 64 draws the factor is much closer than with one: an eighth, but for chance. */
    @Test
    void estimates_come_closer_with_draws() throws IOException {
        Demo demo = digits();
        JsonNode points = demo.data().get("curvature").get("convergence").get(0).get("points");
        assertThat(points).hasSize(4);
        double one = points.get(0).get(1).asDouble();
        assertThat(points.get(3).get(0).asInt()).isEqualTo(64);
        assertThat(points.get(3).get(1).asDouble()).isBetween(one / 32, one / 3);
        assertThat(demo.printed()).containsPattern("1\\.weight +G, 10 x 10 +[0-9.e-]+ +[0-9]+ of 10 +[0-9.]+ %");
    }

    @Test
    void escapes_what_users_name() throws IOException {
        Path images = folder.resolve("<img src=x> & '.gz");
        Path labels = folder.resolve("labels");
        IdxFile.of(Shape.of(3, 2, 2), new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
                .write(images);
        IdxFile.of(Shape.of(3), new byte[] {0, 1, 1}).write(labels);
        Path model = Files.writeString(folder.resolve("m.json"), CLASSIFIER);
        Demo demo =
                Demo.run(folder.resolve("escaped.html"), "--model", model.toString(), "--data", images + "," + labels);
        assertThat(demo.page()).doesNotContain("<img");
        assertThat(demo.data().get("summary").asText())
                .contains(images.getFileName().toString());
        assertThat(demo.data().get("norms").get("counts")).isNotEmpty();
    }

    @Test
    void leaves_out_images_and_norms_with_a_sentence() throws IOException {
        Path model = Files.writeString(folder.resolve("m.json"), BEHIND_AN_ACTIVATION);
        Path images = folder.resolve("images");
        Path labels = folder.resolve("labels");
        IdxFile.of(Shape.of(2, 2, 2), new byte[] {1, 2, 3, 4, 5, 6, 7, 8}).write(images);
        IdxFile.of(Shape.of(2), new byte[] {0, 1}).write(labels);
        JsonNode data = Demo.run(
                        folder.resolve("plain.html"),
                        "--model",
                        model.toString(),
                        "--data",
                        images + "," + labels,
                        "--extensions",
                        "Variance")
                .data();
        assertThat(data.get("images").isNull()).isTrue();
        assertThat(data.get("imagesNote").asText()).startsWith("No linear or convolutional module takes the pixels");
        assertThat(data.get("norms").isNull()).isTrue();
        assertThat(data.get("normsNote").asText()).contains("--extensions BatchL2Grad");
        JsonNode curvature = data.get("curvature");
        assertThat(curvature.get("diagonals").isNull()).isTrue();
        assertThat(curvature.get("spectra")).isEmpty();
        assertThat(curvature.get("factors")).isEmpty();
        assertThat(curvature.get("spectraNote").asText()).contains("--extensions KFAC");
        assertThat(curvature.get("factorsNote").asText()).contains("--extensions KFAC,KFLR");
    }

    private Demo digits() throws IOException {
        return Demo.run(folder.resolve("digits.html"), "--batch", "24");
    }

    private Path batch() {
        return batch(Shape.of(2, 2, 2), Shape.of(2, 4), "1", 0);
    }

    /** Two samples, and a weight of equal numbers. */
    private Path batch(Shape input, Shape weight, String node, double value) {
        double[] weights = new double[8];
        Arrays.fill(weights, value);
        Path path = folder.resolve("d.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.to(path)
                .tensor("input", DType.FLOAT32, input)
                .tensor("target", DType.INT64, Shape.of(2))
                .tensor(node + ".weight", DType.FLOAT32, weight)
                .tensor(node + ".bias", DType.FLOAT32, Shape.of(2))
                .open()) {
            writer.write("input", 0, new double[] {1, 0, 0, 0, 0, 2, 0, 0}, 0, 8);
            writer.write("target", 0, new long[] {0, 1}, 0, 2);
            writer.write(node + ".weight", 0, weights, 0, 8);
            writer.write(node + ".bias", 0, new double[2], 0, 2);
            writer.commit();
        }
        return path;
    }

    private static List<Double> numbers(JsonNode array) {
        List<Double> numbers = new ArrayList<>();
        array.forEach(number -> numbers.add(number.asDouble()));
        return numbers;
    }
}
