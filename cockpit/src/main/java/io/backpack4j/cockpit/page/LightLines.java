// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.page;

import io.backpack4j.cockpit.log.LogLine;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Leaves out of lines what a page no longer shows: histograms and details of steps that a later line has too. */
final class LightLines {

    private LightLines() {}

    /** The fields of all lines, each heavy value in the last line that has it only. */
    static List<Map<String, Object>> of(List<LogLine> lines) {
        Set<String> seen = new HashSet<>();
        List<Map<String, Object>> light = new ArrayList<>();
        for (int i = lines.size() - 1; i >= 0; i--) {
            light.add(0 == i ? lines.get(i).fields() : without(lines.get(i), seen));
            heavy(lines.get(i), seen);
        }
        java.util.Collections.reverse(light);
        return light;
    }

    /** Adds the labels of what is heavy in a line. */
    static void heavy(LogLine line, Set<String> labels) {
        line.values().forEach((label, value) -> {
            if (isHeavy(value)) {
                labels.add(label);
            }
        });
        line.details().keySet().forEach(label -> labels.add("details of " + label));
    }

    /** The fields of a line without heavy values of some labels. */
    static Map<String, Object> without(LogLine line, Set<String> labels) {
        if (line.step().isEmpty()) {
            return line.fields();
        }
        Map<String, Object> fields = new LinkedHashMap<>(line.fields());
        Map<String, Object> values = line.values();
        values.entrySet().removeIf(entry -> labels.contains(entry.getKey()) && isHeavy(entry.getValue()));
        Map<String, Object> details = line.details();
        details.keySet().removeIf(label -> labels.contains("details of " + label));
        fields.put("values", values);
        fields.put("details", details);
        return fields;
    }

    private static boolean isHeavy(Object value) {
        if (value instanceof List<?> list) {
            return list.stream().anyMatch(LightLines::isHeavy);
        }
        return value instanceof Map<?, ?> map && map.containsKey("counts");
    }
}
