// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.Value;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.DoubleStream;

/**
 * A line of a log: its fields in their order, of maps, lists, numbers, strings, flags and null.
 *
 * @param fields what the JSON object holds
 */
public record LogLine(Map<String, Object> fields) {

    static final String STEP = "step";
    static final String EPOCH = "epoch";
    static final String VALUES = "values";
    static final String DETAILS = "details";
    static final String MISSING = "missing";

    public LogLine {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** What was measured at a step, by label. */
    public static LogLine step(long step, Map<String, Measurement> measured) {
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, Object> details = new LinkedHashMap<>();
        measured.forEach((label, measurement) -> {
            values.put(label, measurement.value().toJson());
            if (!measurement.details().isEmpty()) {
                details.put(label, measurement.details());
            }
        });
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(STEP, step);
        fields.put(VALUES, values);
        fields.put(DETAILS, details);
        return new LogLine(fields);
    }

    /** What somebody beside the cockpit knows of a step. */
    public static LogLine note(long step, Map<String, ?> values, Map<String, ?> details) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(STEP, step);
        fields.put(VALUES, json(values));
        fields.put(DETAILS, json(details));
        return new LogLine(fields);
    }

    /** Values as JSON has them: numbers that are not finite are missing. */
    private static Object json(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> all = new LinkedHashMap<>();
            map.forEach((name, each) -> all.put(String.valueOf(name), json(each)));
            return all;
        }
        if (value instanceof List<?> list) {
            return list.stream().map(LogLine::json).toList();
        }
        return value instanceof Double number ? Value.of(number).toJson() : value;
    }

    /** What is known of an epoch. */
    public static LogLine epoch(long epoch, double[] rates, Map<String, Double> metrics) {
        Map<String, Object> values = new LinkedHashMap<>();
        metrics.forEach((name, value) -> values.put(name, Value.of(value).toJson()));
        if (rates.length == 1) {
            values.put("learning_rate", Value.of(rates[0]).toJson());
        } else if (rates.length > 1) {
            List<Object> all = DoubleStream.of(rates)
                    .mapToObj(rate -> Value.of(rate).toJson())
                    .toList();
            values.put("learning_rate", all);
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(EPOCH, epoch);
        fields.put(VALUES, values);
        return new LogLine(fields);
    }

    /** The step that it is of. */
    public OptionalLong step() {
        return fields.get(STEP) instanceof Number number ? OptionalLong.of(number.longValue()) : OptionalLong.empty();
    }

    /** The epoch that it is of. */
    public OptionalLong epoch() {
        return fields.get(EPOCH) instanceof Number number ? OptionalLong.of(number.longValue()) : OptionalLong.empty();
    }

    /** The values by label, as JSON has them. */
    public Map<String, Object> values() {
        return object(VALUES);
    }

    /** The details by label. */
    public Map<String, Object> details() {
        return object(DETAILS);
    }

    /** Whether it is a step's and says nothing. */
    public boolean isEmpty() {
        return values().isEmpty();
    }

    private Map<String, Object> object(String key) {
        Map<String, Object> object = new LinkedHashMap<>();
        if (fields.get(key) instanceof Map<?, ?> map) {
            map.forEach((name, value) -> {
                if (value != null) {
                    object.put(String.valueOf(name), value);
                }
            });
        }
        return object;
    }
}
