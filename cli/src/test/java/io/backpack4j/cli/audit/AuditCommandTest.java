// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cli.Main;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditCommandTest {

    private static final String MODEL = """
            {"nodes": [{"name": "0", "type": "Flatten"},
                       {"name": "1", "type": "Linear", "in_features": %d, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;
    private static final String START = "<script type=\"application/json\" id=\"data\">";
    private static final int SAMPLES = 6;
    private static final int WRONG = 4;

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** Two kinds of pictures, that are bright in their second or their last number; number 4 has the other label. */
    private void write(int channels, DType dtype) throws IOException {
        int elements = 4 * channels;
        Files.writeString(folder.resolve("model.json"), MODEL.formatted(elements));
        double[] inputs = new double[SAMPLES * elements];
        long[] labels = new long[SAMPLES];
        for (int n = 0; n < SAMPLES; n++) {
            inputs[n * elements + (n % 2 == 0 ? 1 : elements - 1)] = 1 + 0.1 * n;
            labels[n] = n == WRONG ? 1 : n % 2;
        }
        double[] weight = new double[2 * elements];
        weight[1] = 2;
        weight[2 * elements - 1] = 2;
        Shape input = Shape.of(SAMPLES, channels, 2, 2);
        try (SafetensorsWriter writer = SafetensorsWriter.to(folder.resolve("data.safetensors"))
                .tensor("input", dtype, input)
                .tensor("target", DType.INT64, Shape.of(SAMPLES))
                .tensor("1.weight", dtype, Shape.of(2, elements))
                .tensor("1.bias", dtype, Shape.of(2))
                .open()) {
            writer.write("input", 0, inputs, 0, inputs.length);
            writer.write("target", 0, labels, 0, SAMPLES);
            writer.write("1.weight", 0, weight, 0, weight.length);
            writer.write("1.bias", 0, new double[2], 0, 2);
            writer.commit();
        }
    }

    private int run(String... more) {
        List<String> arguments = new ArrayList<>(List.of("audit", "--backend", "cpu", "--threads", "1"));
        arguments.addAll(List.of("--model", folder.resolve("model.json").toString()));
        arguments.addAll(List.of("--out", folder.resolve("page.html").toString()));
        arguments.addAll(List.of(more));
        return Main.run(new PrintWriter(out), new PrintWriter(err), arguments.toArray(String[]::new));
    }

    private String data() {
        return folder.resolve("data.safetensors").toString();
    }

    private JsonNode page() throws IOException {
        String page = Files.readString(folder.resolve("page.html"));
        int from = page.indexOf(START) + START.length();
        return new ObjectMapper().readTree(page.substring(from, page.indexOf("</script>", from)));
    }

    @Test
    void the_wrong_label_stands_first_in_the_table_and_on_the_page() throws IOException {
        write(3, DType.FLOAT32);
        assertThat(run("--data", data(), "--top", "2")).as(err.toString()).isZero();
        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(1 + 2 + 1);
        assertThat(lines.get(0)).matches("sample +label +p +predicted +p +loss");
        assertThat(lines.get(1)).matches(" *4 +1 +0\\.\\d+ +0 +0\\.\\d+ +.*");
        JsonNode suspects = page().get("suspects");
        assertThat(suspects).hasSize(2);
        JsonNode first = suspects.get(0);
        assertThat(first.get("id").asInt()).isEqualTo(WRONG);
        assertThat(first.get("label").asInt()).isOne();
        assertThat(first.get("predicted").asInt()).isZero();
        assertThat(first.get("ranks").get("loss").asInt()).isOne();
        assertThat(first.get("ranks").properties()).hasSize(4);
        JsonNode picture = first.get("picture");
        assertThat(picture.get("channels").asInt()).isEqualTo(3);
        assertThat(picture.get("levels")).hasSize(12);
        assertThat(picture.get("levels").get(3).asInt()).isEqualTo(255);
    }

    @Test
    void the_page_needs_nothing_but_itself() throws IOException {
        write(1, DType.FLOAT32);
        assertThat(run("--data", data())).as(err.toString()).isZero();
        String page = Files.readString(folder.resolve("page.html"));
        assertThat(Pattern.compile("<[^>]*(src|href)\\s*=|@import|url\\(|<link|fetch\\(|XMLHttpRequest|https?:")
                        .matcher(page)
                        .results()
                        .map(match -> match.group()))
                .isEmpty();
        assertThat(page).contains("default-src 'none'").doesNotContain("/*DATA*/", "/*STYLE*/", "/*PAGE*/");
        assertThat(page().get("suspects")).hasSize(SAMPLES);
    }

    @Test
    void scores_go_into_a_file_in_the_order_of_the_data() throws IOException {
        write(1, DType.FLOAT64);
        String scores = folder.resolve("scores.safetensors").toString();
        assertThat(run("--data", data(), "--score", "gradient_norm", "--batch", "4", "--scores", scores))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).contains("gradient_norm", scores);
        try (Safetensors file = Safetensors.open(Path.of(scores))) {
            assertThat(file.tensors().keySet())
                    .containsExactlyInAnyOrder(
                            "id", "label", "predicted", "loss", "gradient_norm", "self_influence", "alignment");
            assertThat(file.readLongs("label")).containsExactly(0, 1, 0, 1, 1, 1);
            assertThat(file.readLongs("predicted")).containsExactly(0, 1, 0, 1, 0, 1);
            double[] losses = file.readDoubles("loss");
            assertThat(losses).hasSize(SAMPLES);
            double logit = 2 * 1.4;
            assertThat(losses[WRONG]).isEqualTo(Math.log1p(Math.exp(logit)), within(1e-12));
        }
    }

    @Test
    void what_is_wrong_with_files_is_said_before_anything_is_computed() throws IOException {
        write(1, DType.FLOAT32);
        assertThat(run("--data", data(), "--scores", data())).isEqualTo(1);
        assertThat(err.toString()).contains("--scores names '" + data() + "', which is an input");
        assertThat(folder.resolve("page.html")).doesNotExist();
        assertThat(run()).isEqualTo(1);
        assertThat(err.toString()).contains("Nothing has the parameters of the model.");
    }
}
