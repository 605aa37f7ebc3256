// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What the first line of a log says.
 *
 * @param model the model's name
 * @param optimizer with its options
 * @param seed of the run
 * @param parameters the trained parameters, in the order in which lists hold their values
 * @param quantities labels to what was asked for
 * @param resumeAt the step from which values that stand before this line no longer count
 */
public record LogHeader(
        String model,
        String optimizer,
        long seed,
        List<String> parameters,
        Map<String, String> quantities,
        OptionalLong resumeAt) {

    static final String SCHEMA = "schema";
    static final String SCHEMA_NAME = "backpack4j-cockpit";

    /** What the log of training without a cockpit says. */
    static final String TRAINING_SCHEMA_NAME = "backpack4j run";

    static final String VERSION = "version";
    static final long VERSION_NUMBER = 1;
    static final String RESUME_AT = "resume_at";

    public LogHeader {
        parameters = List.copyOf(parameters);
        quantities = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(quantities));
    }

    /**
     * The line.
     *
     * @param unavailable labels of quantities that cannot be had, with reasons
     */
    public LogLine line(Map<String, String> unavailable) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(SCHEMA, SCHEMA_NAME);
        fields.put(VERSION, VERSION_NUMBER);
        fields.put("model", model);
        fields.put("optimizer", optimizer);
        fields.put("seed", seed);
        fields.put("parameters", parameters);
        fields.put("quantities", quantities);
        if (!unavailable.isEmpty()) {
            fields.put("unavailable", unavailable);
        }
        resumeAt.ifPresent(step -> fields.put(RESUME_AT, step));
        return new LogLine(fields);
    }

    /** Whether a line is a header. */
    static boolean is(LogLine line) {
        Object schema = line.fields().get(SCHEMA);
        return SCHEMA_NAME.equals(schema) || TRAINING_SCHEMA_NAME.equals(schema);
    }

    /** Reads a line. */
    static LogHeader of(LogLine line) {
        Map<String, String> quantities = new LinkedHashMap<>();
        if (line.fields().get("quantities") instanceof Map<?, ?> map) {
            map.forEach((label, expression) -> quantities.put(String.valueOf(label), String.valueOf(expression)));
        }
        List<String> parameters = line.fields().get("parameters") instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
        return new LogHeader(
                String.valueOf(line.fields().getOrDefault("model", "")),
                String.valueOf(line.fields().getOrDefault("optimizer", "")),
                line.fields().get("seed") instanceof Number seed ? seed.longValue() : 0,
                parameters,
                quantities,
                line.fields().get(RESUME_AT) instanceof Number step
                        ? OptionalLong.of(step.longValue())
                        : OptionalLong.empty());
    }
}
