// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelFileTest {

    @TempDir
    Path directory;

    @Test
    void readsEverythingAModelMaySay() {
        ModelDescription model = parse("""
            {"inputs": ["input", "mask"], "output": "b",
             "nodes": [
               {"name": "a", "type": "Linear", "in_features": 3, "bias": true, "inputs": ["mask"], "requires_grad": false},
               {"name": "b", "type": "Slice", "slices": [0, [1, null, 2]], "scale": 0.5, "mode": "x", "none": null,
                "requires_grad": ["bias"], "tie": {"weight": "a.weight"}},
               {"name": "c", "type": "ReLU", "requires_grad": true}],
             "loss": {"type": "MSELoss", "reduction": "sum"}}\
            """);
        assertThat(model.inputs()).containsExactly("input", "mask");
        assertThat(model.output()).hasValue("b");
        assertThat(model.loss()).isEqualTo(new LossDescription("MSELoss", Map.of("reduction", "sum")));
        NodeDescription a = model.nodes().get(0);
        assertThat(a)
                .isEqualTo(new NodeDescription(
                        "a", "Linear", Map.of("in_features", 3L, "bias", true), List.of("mask"), Frozen.ALL, Map.of()));
        NodeDescription b = model.nodes().get(1);
        assertThat(b.arguments())
                .containsEntry("slices", List.of(0L, Arrays.asList(1L, null, 2L)))
                .containsEntry("scale", 0.5)
                .containsEntry("mode", "x")
                .containsEntry("none", null);
        assertThat(b.frozen()).isEqualTo(new Frozen(false, Set.of("bias")));
        assertThat(b.ties()).containsExactly(Map.entry("weight", "a.weight"));
        assertThat(model.nodes().get(2).frozen()).isEqualTo(Frozen.NONE);
        assertThat(model.nodes().get(2).inputs()).isEmpty();
    }

    @Test
    void leavesOutWhatIsLeftOut() {
        ModelDescription model =
                parse("{\"nodes\": [{\"name\": \"0\", \"type\": \"ReLU\"}], \"loss\": {\"type\": \"MSELoss\"}}");
        assertThat(model.inputs()).containsExactly("input");
        assertThat(model.output()).isEmpty();
        assertThat(model.loss().arguments()).isEmpty();
    }

    @Test
    void readsTheModelOfAReferenceCase() throws Exception {
        Path path = Path.of(getClass().getResource("slice.safetensors").toURI());
        try (Safetensors file = Safetensors.open(path)) {
            ModelDescription model = ModelFile.parse(
                    file.metadata().get("model"), path.getFileName().toString());
            assertThat(model.nodes())
                    .extracting(NodeDescription::type)
                    .containsExactly("Conv2d", "Slice", "ReLU", "Flatten", "Linear");
        }
    }

    @Test
    void reportsAllProblemsTogether() {
        assertThatThrownBy(() -> parse("""
            {"node": 1, "inputs": "input", "output": 3, "loss": {"reduction": "mean"},
             "nodes": [
               {"type": "ReLU"},
               {"name": "a", "type": 5, "inputs": []},
               {"name": "a", "type": "Linear", "requires_grad": "no", "tie": ["x"], "x": [[{}]]},
               7]}\
            """))
                .isInstanceOf(BackpackException.class)
                .hasMessage("""
                    1) [InvalidModel] Model 'm.json': the key 'node' is not known. Possible: inputs, loss, nodes, output.
                    2) [InvalidModel] Model 'm.json': node 0: 'name' is missing.
                    3) [InvalidModel] Model 'm.json': node 'a': 'type' must be a word in quotes.
                    4) [InvalidModel] Model 'm.json': node 'a': 'inputs' must be a list of at least one name, or be left out.
                    5) [InvalidModel] Model 'm.json': node 'a': argument 'x' holds an object, but must be a number, a word, true, false, null or a list of these.
                    6) [InvalidModel] Model 'm.json': node 'a': 'requires_grad' must be true, false, or a list of the names of parameters that are not trained.
                    7) [InvalidModel] Model 'm.json': node 'a': 'tie' must be an object from own to other parameters, such as {"weight": "0.weight"}.
                    8) [InvalidModel] Model 'm.json': nodes 1 and 2 both have the name 'a'. Names must be unique.
                    9) [InvalidModel] Model 'm.json': node 3: it must be an object with a name and a type.
                    10) [InvalidModel] Model 'm.json': 'inputs' must be a list of at least one name, or be left out.
                    11) [InvalidModel] Model 'm.json': 'output' must be a word in quotes.
                    12) [InvalidModel] Model 'm.json': loss: 'type' is missing.
                    12 problems.\
                    """);
    }

    @Test
    void aModelThatOnlyPredictsHasNoLoss() {
        ModelDescription model = parse("{\"nodes\": [{\"name\": \"a\", \"type\": \"ReLU\"}]}");
        assertThat(model.hasLoss()).isFalse();
        assertThat(model.loss()).isEqualTo(LossDescription.NONE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"loss\": {\"type\": \"MSELoss\"}} | 'nodes' must be a list of at least one object, such as"
                        + " {\"name\": \"0\", \"type\": \"ReLU\"}.",
                "{\"nodes\": [], \"loss\": {\"type\": \"MSELoss\"}} | 'nodes' must be a list of at least one object,"
                        + " such as {\"name\": \"0\", \"type\": \"ReLU\"}.",
                "{\"nodes\": [{\"name\": \"\", \"type\": \"ReLU\"}], \"loss\": {\"type\": \"MSELoss\"}} | node 0:"
                        + " 'name' must be a word in quotes.",
                "{\"nodes\": [{\"name\": \"a\", \"type\": \"ReLU\"}], \"loss\": null} | loss: it must be an object,"
                        + " such as {\"type\": \"CrossEntropyLoss\", \"reduction\": \"mean\"}.",
            })
    void saysWhatIsWrong(String json, String expected) {
        assertThatThrownBy(() -> parse(json)).hasMessageStartingWith("[InvalidModel] Model 'm.json': " + expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[] | line 1, column 1. A JSON object is expected.",
                "`` | line 1, column 1. A JSON object is expected.",
                "{\"nodes\": [} | line 1, column 13. Unexpected close marker '}': expected ']'.",
                "{\"nodes\": NaN} | line 1, column 14. Non-standard token 'NaN'.",
                "{\"nodes\": [ | line 1, column 12. The text ends too early: it is cut short, or a bracket is not closed.",
                "{\"a\": 1e999} | line 1, column 7. The number 1e999 is too large.",
                "{\"a\": 1, \"a\": 1} | line 1, column 10. The key 'a' is given twice.",
            })
    void saysWhereJsonIsNotValid(String json, String expected) {
        assertThatThrownBy(() -> parse(json))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidFile] File 'm.json' is not valid JSON at " + expected);
    }

    @Test
    void namesTheLine() {
        assertThatThrownBy(() -> parse("{\n\"a\": \"x\ny\"}"))
                .hasMessage(
                        "[InvalidFile] File 'm.json' is not valid JSON at line 2, column 9. Illegal unquoted character"
                                + " ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string"
                                + " value.");
    }

    @Test
    void readsFiles() throws IOException {
        Path path = directory.resolve("m.json");
        assertThatThrownBy(() -> ModelFile.read(path))
                .hasMessage("[InvalidFile] File '%s' cannot be read: it does not exist.", path);
        Files.writeString(
                path, "{\"nodes\": [{\"name\": \"ä\", \"type\": \"ReLU\"}], \"loss\": {\"type\": \"MSELoss\"}}");
        assertThat(ModelFile.read(path).nodes().get(0).name()).isEqualTo("ä");
        Files.write(path, new byte[] {'{', (byte) 0xff});
        assertThatThrownBy(() -> ModelFile.read(path))
                .hasMessageStartingWith("[InvalidFile] File '%s' is not UTF-8. Save it as UTF-8", path);
        assertThatThrownBy(() -> ModelFile.read(directory))
                .hasMessage("[InvalidFile] File '%s' cannot be read: it is a directory. Name a file in it.", directory);
    }

    /** Which is what PowerShell and Notepad write before their text. */
    @Test
    void skipsTheByteOrderMarkOfUtf8AndNamesThoseOfOthers() throws IOException {
        String json = "{\"nodes\": [{\"name\": \"ä\", \"type\": \"ReLU\"}], \"loss\": {\"type\": \"MSELoss\"}}";
        Path path = directory.resolve("m.json");
        Files.writeString(path, "\ufeff" + json);
        assertThat(ModelFile.read(path)).isEqualTo(parse(json));
        assertThat(ModelFile.text(path)).isEqualTo(json);
        assertThat(parse("\ufeff" + json)).isEqualTo(parse(json));
        for (String charset : new String[] {"UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"}) {
            Files.write(path, ("\ufeff" + json).getBytes(Charset.forName(charset)));
            assertThatThrownBy(() -> ModelFile.read(path))
                    .hasMessageContaining(
                            "begins with the byte order mark of %s, but must be UTF-8", charset.substring(0, 6));
        }
        // One mark is one too many.
        assertThatThrownBy(() -> parse("\ufeff\ufeff" + json))
                .hasMessageContaining("is not valid JSON at line 1, column 2");
    }

    private static ModelDescription parse(String json) {
        return ModelFile.parse(json, "m.json");
    }
}
