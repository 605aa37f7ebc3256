// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** A reference case of the cockpit as a user has it: files in a folder, and a command. */
final class CockpitCase {

    static final ObjectMapper JSON = new ObjectMapper();
    static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:[0-9]+/[0-9a-f]{32}/");

    private static final Path REFERENCE = Path.of("../cockpit/src/test/resources/reference");

    private final Path directory;

    CockpitCase(Path directory) {
        this.directory = directory;
    }

    /** Opens the file of a case. */
    static Safetensors open(String name) {
        return Safetensors.open(REFERENCE.resolve("cockpit_" + name + ".safetensors"));
    }

    String path(String name) {
        return directory.resolve(name).toString();
    }

    /** The files of a case, as a user has them; returns the options that name them. */
    List<String> prepare(Safetensors file) throws IOException {
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
                    .map(CockpitCase::text)
                    .collect(Collectors.joining(",", "[", "]"));
        }
        return value.isObject() ? call(value) : value.asText();
    }

    /** The values of a log by step, merged by label. */
    static Map<Long, ObjectNode> values(Path log) throws IOException {
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

    static Run run(List<String> arguments, String... more) {
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of(more));
        Run run = Run.of(all.toArray(String[]::new));
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        return run;
    }
}
