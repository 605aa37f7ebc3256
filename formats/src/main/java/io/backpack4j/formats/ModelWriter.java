// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns descriptions of models into JSON, one node a line. */
final class ModelWriter {

    private static final JsonFactory FACTORY = new JsonFactory();

    private ModelWriter() {}

    static String write(ModelDescription model) {
        List<String> members = new ArrayList<>();
        if (!model.inputs().equals(List.of(Graph.INPUT))) {
            members.add(member("inputs", json(model.inputs())));
        }
        List<String> nodes =
                model.nodes().stream().map(node -> "    " + json(map(node))).toList();
        members.add(member("nodes", "[\n" + String.join(",\n", nodes) + "\n  ]"));
        model.output().ifPresent(output -> members.add(member("output", json(output))));
        if (model.hasLoss()) {
            Map<String, @Nullable Object> loss = new LinkedHashMap<>();
            loss.put("type", model.loss().type());
            loss.putAll(model.loss().arguments());
            members.add(member("loss", json(loss)));
        }
        return "{\n" + String.join(",\n", members) + "\n}\n";
    }

    private static String member(String name, String json) {
        return "  %s: %s".formatted(json(name), json);
    }

    private static String json(Object value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            writeValue(json, value);
        } catch (IOException e) {
            throw new UncheckedIOException("Text in memory cannot be written", e);
        }
        return text.toString();
    }

    private static Map<String, @Nullable Object> map(NodeDescription node) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("name", node.name());
        map.put("type", node.type());
        map.putAll(node.arguments());
        if (!node.inputs().isEmpty()) {
            map.put("inputs", node.inputs());
        }
        Frozen frozen = node.frozen();
        if (frozen.all()) {
            map.put("requires_grad", false);
        } else if (!frozen.names().isEmpty()) {
            map.put("requires_grad", frozen.names().stream().sorted().toList());
        }
        if (!node.ties().isEmpty()) {
            map.put("tie", node.ties());
        }
        return map;
    }

    private static void writeValue(JsonGenerator json, @Nullable Object value) throws IOException {
        if (value instanceof Map<?, ?> map) {
            json.writeStartObject();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                json.writeFieldName(String.valueOf(entry.getKey()));
                writeValue(json, entry.getValue());
            }
            json.writeEndObject();
        } else if (value instanceof List<?> list) {
            json.writeStartArray();
            for (Object element : list) {
                writeValue(json, element);
            }
            json.writeEndArray();
        } else {
            json.writePOJO(value);
        }
    }
}
