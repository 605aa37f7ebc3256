// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.TextFile;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.training.data.Normalization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A {@link Normalization} as JSON: {@code {"scale": 0.00392, "mean": [0.1307], "deviation": [0.3081]}}. */
public final class NormalizationFile {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private NormalizationFile() {}

    /** Writes a file, as a whole or not at all. */
    public static void write(Path path, Normalization normalization) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("scale", normalization.scale());
        json.put("mean", normalization.mean());
        json.put("deviation", normalization.deviation());
        try {
            TextFile.write(path, MAPPER.writeValueAsString(json) + "\n");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Reads a file.
     *
     * @throws BackpackException if it does not hold one
     */
    public static Normalization read(Path path) {
        try {
            JsonNode json = MAPPER.readTree(Files.readString(path));
            return new Normalization(
                    json.required("scale").asDouble(Double.NaN), numbers(json, "mean"), numbers(json, "deviation"));
        } catch (IOException | IllegalArgumentException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE,
                    "File '%s' does not say how inputs are normalised: %s. It needs scale, mean and deviation."
                            .formatted(path, e.getMessage()),
                    e);
        }
    }

    private static List<Double> numbers(JsonNode json, String name) {
        List<Double> numbers = new ArrayList<>();
        json.required(name).forEach(number -> numbers.add(number.asDouble(Double.NaN)));
        return numbers;
    }
}
