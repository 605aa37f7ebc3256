// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.Problems;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Turns the JSON of one model into descriptions and collects what is wrong with it. */
final class ModelReader {

    private static final Set<String> KEYS = new TreeSet<>(List.of("nodes", "inputs", "output", "loss"));
    private static final Set<String> NODE_KEYS = Set.of("name", "type", "inputs", "requires_grad", "tie");

    private final String file;
    private final Problems problems = new Problems();

    ModelReader(String file) {
        this.file = file;
    }

    ModelDescription read(Map<String, @Nullable Object> json) {
        json.keySet().stream()
                .filter(key -> !KEYS.contains(key))
                .forEach(key -> report(
                        "",
                        "the key %s is not known. Possible: %s"
                                .formatted(Failures.quoted(key), String.join(", ", KEYS))));
        List<NodeDescription> nodes = readNodes(json.get("nodes"));
        List<String> inputs = readNames("", "inputs", json);
        Optional<String> output = json.containsKey("output") ? Optional.of(word("", "output", json)) : Optional.empty();
        LossDescription loss = json.containsKey("loss") ? readLoss(json.get("loss")) : LossDescription.NONE;
        problems.throwIfAny();
        return new ModelDescription(nodes, inputs, output, loss);
    }

    private List<NodeDescription> readNodes(@Nullable Object value) {
        if (!(value instanceof List<?> list) || list.isEmpty()) {
            report("", "'nodes' must be a list of at least one object, such as {\"name\": \"0\", \"type\": \"ReLU\"}");
            return List.of();
        }
        List<NodeDescription> nodes = new ArrayList<>();
        Map<String, Integer> indices = new HashMap<>();
        for (int i = 0; i < list.size(); i++) {
            if (!(list.get(i) instanceof Map<?, ?> json)) {
                report("node %d".formatted(i), "it must be an object with a name and a type");
                continue;
            }
            NodeDescription node = readNode(i, copy(json));
            Integer other = indices.putIfAbsent(node.name(), i);
            if (other != null && !node.name().isEmpty()) {
                report(
                        "",
                        "nodes %d and %d both have the name %s. Names must be unique"
                                .formatted(other, i, Failures.quoted(node.name())));
            }
            nodes.add(node);
        }
        return nodes;
    }

    private NodeDescription readNode(int index, Map<String, @Nullable Object> json) {
        String name = word("node %d".formatted(index), "name", json);
        String owner = "node " + (name.isEmpty() ? String.valueOf(index) : Failures.quoted(name));
        return new NodeDescription(
                name,
                word(owner, "type", json),
                readArguments(owner, json, NODE_KEYS),
                readNames(owner, "inputs", json),
                readFrozen(owner, json),
                readTies(owner, json));
    }

    private LossDescription readLoss(@Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            report("loss", "it must be an object, such as {\"type\": \"CrossEntropyLoss\", \"reduction\": \"mean\"}");
            return new LossDescription("", Map.of());
        }
        Map<String, @Nullable Object> json = copy(map);
        return new LossDescription(word("loss", "type", json), readArguments("loss", json, Set.of("type")));
    }

    private Map<String, @Nullable Object> readArguments(
            String owner, Map<String, @Nullable Object> json, Set<String> others) {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        json.forEach((key, value) -> {
            if (others.contains(key)) {
                return;
            }
            if (hasObject(value)) {
                report(
                        owner,
                        "argument %s holds an object, but must be a number, a word, true, false, null or a list of these"
                                .formatted(Failures.quoted(key)));
            }
            arguments.put(key, value);
        });
        return arguments;
    }

    private Frozen readFrozen(String owner, Map<String, @Nullable Object> json) {
        Object value = json.getOrDefault("requires_grad", true);
        if (value instanceof Boolean flag) {
            return flag ? Frozen.NONE : Frozen.ALL;
        }
        if (value instanceof List<?> list && areNames(list)) {
            Set<String> names = new LinkedHashSet<>();
            list.forEach(name -> names.add((String) name));
            return new Frozen(false, names);
        }
        report(owner, "'requires_grad' must be true, false, or a list of the names of parameters that are not trained");
        return Frozen.NONE;
    }

    private Map<String, String> readTies(String owner, Map<String, @Nullable Object> json) {
        Map<String, String> ties = new LinkedHashMap<>();
        Object value = json.getOrDefault("tie", Map.of());
        if (value instanceof Map<?, ?> map && areNames(map.values())) {
            map.forEach((own, other) -> ties.put((String) own, (String) other));
        } else {
            report(owner, "'tie' must be an object from own to other parameters, such as {\"weight\": \"0.weight\"}");
        }
        return ties;
    }

    /** A list of names; empty if it is left out. */
    private List<String> readNames(String owner, String key, Map<String, @Nullable Object> json) {
        List<String> names = new ArrayList<>();
        if (json.containsKey(key)) {
            if (json.get(key) instanceof List<?> list && !list.isEmpty() && areNames(list)) {
                list.forEach(name -> names.add((String) name));
            } else {
                report(owner, "'%s' must be a list of at least one name, or be left out".formatted(key));
            }
        }
        return names;
    }

    /** A required name; empty if it is not valid, which is reported. */
    private String word(String owner, String key, Map<String, @Nullable Object> json) {
        if (json.get(key) instanceof String word && !word.isEmpty()) {
            return word;
        }
        report(
                owner,
                json.containsKey(key)
                        ? "'%s' must be a word in quotes".formatted(key)
                        : "'%s' is missing".formatted(key));
        return "";
    }

    private void report(String owner, String what) {
        problems.add(
                FormatProblems.INVALID_MODEL,
                "Model %s: %s%s.".formatted(Failures.quoted(file), owner.isEmpty() ? "" : owner + ": ", what));
    }

    private static boolean areNames(Iterable<?> values) {
        for (Object value : values) {
            if (!(value instanceof String name) || name.isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private static boolean hasObject(@Nullable Object value) {
        return value instanceof Map<?, ?>
                || (value instanceof List<?> list && list.stream().anyMatch(ModelReader::hasObject));
    }

    private static Map<String, @Nullable Object> copy(Map<?, ?> json) {
        Map<String, @Nullable Object> copy = new LinkedHashMap<>();
        json.forEach((key, value) -> copy.put((String) key, value));
        return copy;
    }
}
