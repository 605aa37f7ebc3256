// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.spi.BackpackException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Reads what {@code Cockpit.write} of the original writes: one JSON object, from steps to quantities' names to values,
 * between which stand what {@code Cockpit.log} was told. Arrays are lists, or what json_tricks makes of NumPy's.
 */
final class OriginalLog {

    private static final Pattern BEGIN = Pattern.compile("\\s*\\{\\s*(\"\\d+\"\\s*:\\s*\\{.*|\\}\\s*)", Pattern.DOTALL);
    private static final String EPOCH = "epoch_count";
    private static final Set<String> OF_EPOCH = Set.of(
            "train_loss",
            "valid_loss",
            "test_loss",
            "train_accuracy",
            "valid_accuracy",
            "test_accuracy",
            "learning_rate");

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private OriginalLog() {}

    /** Empty if it is something else. */
    static Optional<RunLog> read(String text) {
        if (!BEGIN.matcher(text).matches()) {
            return Optional.empty();
        }
        SortedMap<Long, Map<String, Object>> steps = new TreeMap<>();
        try {
            Map<String, Map<String, Object>> all = MAPPER.readValue(text, new TypeReference<>() {});
            all.forEach((step, fields) -> steps.put(Long.valueOf(step), fields));
        } catch (JsonProcessingException | NumberFormatException e) {
            throw new BackpackException(
                    LogProblems.INVALID_LOG,
                    "The log begins like one of the original Cockpit, but is no whole JSON object.",
                    e);
        }
        List<LogLine> lines = new ArrayList<>();
        LogHeader header = new LogHeader("of the original Cockpit", "", 0, List.of(), Map.of(), OptionalLong.empty());
        lines.add(header.line(Map.of()));
        steps.forEach((step, fields) -> add(step, fields, lines));
        return Optional.of(RunLog.merge(lines, "the original's log"));
    }

    private static void add(long step, Map<String, Object> fields, List<LogLine> lines) {
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, Object> ofEpoch = new LinkedHashMap<>();
        fields.forEach((name, value) -> {
            if (OF_EPOCH.contains(name)) {
                ofEpoch.put(name, converted(value));
            } else if (!name.equals(EPOCH) && value != null) {
                values.put(name, converted(value));
            }
        });
        if (!values.isEmpty()) {
            lines.add(new LogLine(ordered(LogLine.STEP, step, values)));
        }
        if (fields.get(EPOCH) instanceof Number epoch) {
            lines.add(new LogLine(ordered(LogLine.EPOCH, epoch.longValue(), ofEpoch)));
        }
    }

    private static Map<String, Object> ordered(String key, long number, Map<String, Object> values) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(key, number);
        fields.put(LogLine.VALUES, values);
        return fields;
    }

    private static Object converted(Object value) {
        if (value instanceof Number number) {
            return Value.of(number.doubleValue()).toJson();
        }
        if (value instanceof List<?> list) {
            List<Object> converted = new ArrayList<>();
            list.forEach(
                    each -> converted.add(each == null ? Value.of(Double.NaN).toJson() : converted(each)));
            return converted;
        }
        if (value instanceof Map<?, ?> map) {
            Object array = map.get("__ndarray__");
            if (array != null) {
                return converted(array);
            }
            Object counts = map.get("hist");
            Object edges = map.get("edges");
            if (counts != null && edges != null) {
                Map<String, Object> histogram = new LinkedHashMap<>();
                histogram.put("counts", converted(counts));
                histogram.put("edges", converted(edges));
                return histogram;
            }
        }
        return new Value.Missing("the original wrote '%s'".formatted(value)).toJson();
    }
}
