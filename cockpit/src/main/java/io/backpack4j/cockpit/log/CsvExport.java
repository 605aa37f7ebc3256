// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.TextFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;

/**
 * Writes numbers of a log as a table of comma-separated values: a row per step, a column per number. Histograms and
 * files are left out, missing values are empty.
 */
public final class CsvExport {

    private CsvExport() {}

    /** Writes the steps. */
    public static void write(RunLog log, Path target) {
        TextFile.write(target, table("step", log.values(), log::names));
    }

    /** Writes the epochs. */
    public static void writeEpochs(RunLog log, Path target) {
        TextFile.write(target, table("epoch", log.epochs(), label -> List.of()));
    }

    static String table(String first, SortedMap<Long, Map<String, Value>> rows, Function<String, List<String>> names) {
        Map<String, List<String>> known = new HashMap<>();
        SortedMap<Long, Map<String, Double>> flat = new java.util.TreeMap<>();
        Set<String> columns = new LinkedHashSet<>();
        rows.forEach((step, values) -> {
            Map<String, Double> numbers = new LinkedHashMap<>();
            values.forEach(
                    (label, value) -> flatten(label, value, known.computeIfAbsent(label, names), numbers, columns));
            flat.put(step, numbers);
        });
        StringBuilder text = new StringBuilder();
        List<String> head = new ArrayList<>();
        head.add(first);
        columns.forEach(column -> head.add(quoted(column)));
        text.append(String.join(",", head)).append("\n");
        flat.forEach((step, numbers) -> {
            text.append(step);
            for (String column : columns) {
                Double number = numbers.get(column);
                text.append(',').append(number == null ? "" : number.toString());
            }
            text.append("\n");
        });
        return text.toString();
    }

    /** Numbers by column: a list's are named by the layer or parameter if there is one for each, and else counted. */
    static void flatten(
            String label, Value value, List<String> names, Map<String, Double> numbers, Set<String> columns) {
        if (value instanceof Value.Scalar scalar) {
            columns.add(label);
            numbers.put(label, scalar.value());
        } else if (value instanceof Value.Missing) {
            columns.add(label);
        } else if (value instanceof Value.Several several) {
            boolean named = several.values().size() == names.size();
            for (int i = 0; i < several.values().size(); i++) {
                String name = label + "/" + (named ? names.get(i) : String.valueOf(i));
                flatten(name, several.values().get(i), List.of(), numbers, columns);
            }
        }
    }

    private static String quoted(String text) {
        boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
