// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cli.files.ShippedText;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The models that predict characters, in {@code train}, {@code predict} and {@code demo}. */
class CharacterModelsTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String START = "<script type=\"application/json\" id=\"data\">";
    private static final int WINDOWS = 64;
    private static final int STEPS = 16;

    @TempDir
    private Path directory;

    private static void assertSucceeded(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private JsonNode page(String name) throws IOException {
        String page = Files.readString(directory.resolve(name));
        int from = page.indexOf(START) + START.length();
        return MAPPER.readTree(page.substring(from, page.indexOf("</script>", from)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"charlm", "charlm-lstm"})
    void training_teaches_characters_and_the_page_says_what_predict_does(String model) throws IOException {
        Run run = Run.of(
                "train",
                "--model",
                model,
                "--max-steps",
                String.valueOf(STEPS),
                "--batch",
                "8",
                "--optimizer",
                "Adam(lr=1e-2)",
                "--out",
                path("run"));
        assertSucceeded(run);
        assertThat(run.out()).contains("characters of Newton's Opticks, 162 held out");
        List<Double> losses = new ArrayList<>();
        for (String line : Files.readAllLines(directory.resolve("run/run.jsonl"))) {
            JsonNode loss = MAPPER.readTree(line).path("values").path("Loss");
            if (loss.isNumber()) {
                losses.add(loss.asDouble());
            }
        }
        assertThat(losses).hasSize(STEPS);
        assertThat(losses.get(0)).isGreaterThan(4);
        assertThat(losses.get(STEPS - 1)).isLessThan(3.6);

        JsonNode surprises = page("run/report.html").get("surprises");
        double[] outputs = predicted();
        TextWindows windows = ShippedText.heldOut(ShippedText.HELD_OUT);
        assertThat(surprises.get("passages").get(1).get("text").asText()).isEqualTo(windows.target(1));
        assertThat(surprises.get("mean").asDouble()).isCloseTo(meanLoss(outputs, windows), within(1e-3));
        double greatest = Double.POSITIVE_INFINITY;
        for (JsonNode one : surprises.get("surprising")) {
            assertThat(one.get("loss").asDouble()).isLessThanOrEqualTo(greatest);
            greatest = one.get("loss").asDouble();
            assertThat(windows.input(one.get("index").asInt()))
                    .contains(one.get("before").asText());
        }
        assertThat(greatest).isGreaterThan(surprises.get("mean").asDouble());
    }

    /** The logits of the first windows that were held out, {@code [N, C, T]}. */
    private double[] predicted() {
        TextWindows windows = ShippedText.heldOut(ShippedText.HELD_OUT);
        long[] codes = new long[WINDOWS * ShippedText.LENGTH];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = windows.alphabet()
                    .indexOf(windows.input(i / ShippedText.LENGTH).charAt(i % ShippedText.LENGTH));
        }
        try (SafetensorsWriter writer = SafetensorsWriter.to(directory.resolve("text.safetensors"))
                .tensor("input", DType.INT64, Shape.of(WINDOWS, ShippedText.LENGTH))
                .open()) {
            writer.write("input", 0, codes, 0, codes.length);
            writer.commit();
        }
        assertSucceeded(Run.of(
                "predict",
                "--model",
                path("run"),
                "--data",
                path("text.safetensors"),
                "--out",
                path("out.safetensors")));
        try (Safetensors file = Safetensors.open(directory.resolve("out.safetensors"))) {
            return file.readDoubles("output");
        }
    }

    private static double meanLoss(double[] outputs, TextWindows windows) {
        int classes = windows.alphabet().length();
        double sum = 0;
        for (int n = 0; n < WINDOWS; n++) {
            for (int t = 0; t < ShippedText.LENGTH; t++) {
                double exponentials = 0;
                for (int c = 0; c < classes; c++) {
                    exponentials += Math.exp(outputs[(n * classes + c) * ShippedText.LENGTH + t]);
                }
                int target = windows.alphabet().indexOf(windows.target(n).charAt(t));
                sum += Math.log(exponentials) - outputs[(n * classes + target) * ShippedText.LENGTH + t];
            }
        }
        return sum / (WINDOWS * ShippedText.LENGTH);
    }

    /** Factors that are no matrices, a table's diagonal and those of a weight in blocks, have no spectrum. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "charlm | embedding.*,layer0.self_attn.in*,head.* | embedding.weight,head.weight,head.weight",
                "charlm-lstm | embedding.*,lstm.weight_hh_l1 | embedding.weight,lstm.weight_hh_l1,lstm.weight_hh_l1"
            })
    void the_demo_shows_characters_beside_norms(String model, String layers, String spectra) throws IOException {
        Run run = Run.of(
                "demo",
                "--model",
                model,
                "--steps",
                "2",
                "--batch",
                "6",
                "--extensions",
                "BatchL2Grad,KFAC(parameters=[" + layers + "])",
                "--out",
                path("demo.html"));
        assertSucceeded(run);
        JsonNode data = page("demo.html");
        JsonNode surprises = data.get("surprises");
        TextWindows windows = ShippedText.heldOut(ShippedText.HELD_OUT);
        assertThat(surprises.get("passages")).hasSize(6);
        assertThat(run.out()).containsPattern("loss +" + surprises.get("mean").asText());
        JsonNode unusual = data.get("norms").get("unusual").get(0);
        int index = unusual.get("index").asInt();
        assertThat(unusual.get("text").asText()).isEqualTo(windows.target(index));
        assertThat(unusual.get("pixels").isNull()).isTrue();
        double loss = 0;
        for (JsonNode one : surprises.get("passages").get(index).get("losses")) {
            loss += one.asDouble();
        }
        assertThat(unusual.get("loss").asDouble()).isCloseTo(loss, within(1e-3 * loss));
        assertThat(data.get("curvature").get("spectra").findValuesAsText("parameter"))
                .containsExactly(spectra.split(","));
    }

    @Test
    void mistakes_are_named() {
        assertThat(Run.of("demo", "--steps", "3", "--out", path("d.html")).err())
                .contains("[InvalidOption] --steps is for charlm and charlm-lstm");
        assertThat(Run.of("demo", "--model", "charlm", "--batch", "163", "--out", path("d.html"))
                        .err())
                .contains("A batch of 163 was asked for, but there are 162 windows");
        assertThat(Run.of("train", "--model", "charlm", "--valid", ".9999", "--out", path("run"))
                        .err())
                .contains("--valid .9999 leaves no windows");
        assertThat(directory.resolve("run")).doesNotExist();
    }
}
