// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a log says, its lines merged: of several values under one step and label the last one counts.
 *
 * @param header its first line, or that of the last time that the run went on
 * @param values values by step and label
 * @param details details by step and label
 * @param epochs values by epoch and name
 * @param lines the lines that count, in their order, headers too
 */
public record RunLog(
        LogHeader header,
        SortedMap<Long, Map<String, Value>> values,
        SortedMap<Long, Map<String, Object>> details,
        SortedMap<Long, Map<String, Value>> epochs,
        List<LogLine> lines) {

    /** A value of a step, if it has one. */
    public Optional<Value> value(long step, String label) {
        return Optional.ofNullable(values.getOrDefault(step, Map.of()).get(label));
    }

    /**
     * The names of the values of a label's lists: of layers or parameters where details say so, else those of all
     * parameters.
     */
    public List<String> names(String label) {
        for (Map<String, Object> ofStep : details.values()) {
            if (ofStep.get(label) instanceof Map<?, ?> own) {
                for (String kind : List.of("layers", "parameters")) {
                    if (own.get(kind) instanceof List<?> names) {
                        return names.stream().map(String::valueOf).toList();
                    }
                }
            }
        }
        return header.parameters();
    }

    /**
     * Reads a log, or a JSON log of the original Cockpit. A last line that is cut off, as that of a run that is going
     * on may be, is left out.
     *
     * @throws BackpackException if it is neither, with the line
     */
    public static RunLog read(Path path) {
        String text;
        try {
            text = Files.readString(path, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new BackpackException(
                    LogProblems.INVALID_LOG,
                    "The log '%s' cannot be read: %s.".formatted(path, e.getMessage() == null ? e : e.getMessage()),
                    e);
        }
        Optional<RunLog> original = OriginalLog.read(text);
        return original.isPresent() ? original.get() : parse(text, path.toString());
    }

    /**
     * Reads lines.
     *
     * @param file for messages
     */
    public static RunLog parse(String text, String file) {
        List<LogLine> lines = new ArrayList<>();
        String[] split = text.split("\n", -1);
        for (int i = 0; i < split.length; i++) {
            if (split[i].isBlank()) {
                continue;
            }
            boolean cutOff = i == split.length - 1;
            try {
                lines.add(new LogLine(withoutNulls(Json.object(split[i]))));
            } catch (JsonProcessingException e) {
                if (!cutOff) {
                    throw invalid(file, i + 1, "is not a JSON object");
                }
            }
        }
        if (lines.isEmpty() || !LogHeader.is(lines.get(0))) {
            throw invalid(
                    file,
                    1,
                    "does not say \"schema\": \"%s\" as the first line of a log does".formatted(LogHeader.SCHEMA_NAME));
        }
        if (!(lines.get(0).fields().get(LogHeader.VERSION) instanceof Number version)
                || version.longValue() != LogHeader.VERSION_NUMBER) {
            throw invalid(
                    file,
                    1,
                    "is of version %s, but this library reads version %d"
                            .formatted(lines.get(0).fields().get(LogHeader.VERSION), LogHeader.VERSION_NUMBER));
        }
        return merge(lines, file);
    }

    static Map<String, Object> withoutNulls(Map<String, ?> fields) {
        Map<String, Object> known = new LinkedHashMap<>();
        fields.forEach((name, value) -> {
            if (value != null) {
                known.put(name, value);
            }
        });
        return known;
    }

    static RunLog merge(List<LogLine> lines, String file) {
        List<LogLine> counting = new ArrayList<>();
        LogHeader header = new LogHeader("", "", 0, List.of(), Map.of(), java.util.OptionalLong.empty());
        for (LogLine line : lines) {
            if (LogHeader.is(line)) {
                header = LogHeader.of(line);
                header.resumeAt()
                        .ifPresent(step -> counting.removeIf(
                                old -> old.step().isPresent() && old.step().getAsLong() >= step));
            }
            counting.add(line);
        }
        SortedMap<Long, Map<String, Value>> values = new TreeMap<>();
        SortedMap<Long, Map<String, Object>> details = new TreeMap<>();
        SortedMap<Long, Map<String, Value>> epochs = new TreeMap<>();
        for (LogLine line : counting) {
            if (line.step().isPresent()) {
                long step = line.step().getAsLong();
                values.computeIfAbsent(step, key -> new LinkedHashMap<>()).putAll(values(line, file));
                details.computeIfAbsent(step, key -> new LinkedHashMap<>()).putAll(line.details());
            } else if (line.epoch().isPresent()) {
                epochs.computeIfAbsent(line.epoch().getAsLong(), key -> new LinkedHashMap<>())
                        .putAll(values(line, file));
            }
        }
        return new RunLog(header, values, details, epochs, Collections.unmodifiableList(counting));
    }

    private static Map<String, Value> values(LogLine line, String file) {
        Map<String, Value> values = new LinkedHashMap<>();
        line.values().forEach((label, json) -> {
            try {
                values.put(label, Value.ofJson(json));
            } catch (RuntimeException e) {
                throw new BackpackException(
                        LogProblems.INVALID_LOG,
                        "The log '%s' has a value of '%s' at step %s that cannot be read: %s."
                                .formatted(file, label, line.fields().get(LogLine.STEP), e.getMessage()));
            }
        });
        return values;
    }

    private static BackpackException invalid(String file, int line, String what) {
        return new BackpackException(
                LogProblems.INVALID_LOG, "'%s' is not the log of a run: line %d %s.".formatted(file, line, what));
    }
}
