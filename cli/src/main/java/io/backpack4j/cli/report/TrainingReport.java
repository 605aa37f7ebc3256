// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.spi.BackpackException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A training run as data: what its page shows.
 *
 * @param summary what came of it, in a sentence
 * @param facts what was trained on what
 * @param losses of steps, {@code [step, loss]}, thinned to what a chart can show
 * @param epochs the values of each epoch, with its number
 * @param surprises the characters of the end of a text, if the model predicts some
 */
public record TrainingReport(
        String summary,
        List<Report.Fact> facts,
        List<double[]> losses,
        List<Map<String, Double>> epochs,
        @Nullable Surprises surprises) {

    private static final int MOST_POINTS = 2000;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    public TrainingReport {
        facts = List.copyOf(facts);
        losses = List.copyOf(losses);
        epochs = List.copyOf(epochs);
    }

    /** Reads curves off a run's log. */
    public static TrainingReport of(String summary, List<Report.Fact> facts, Path log, @Nullable Surprises surprises) {
        List<double[]> losses = new ArrayList<>();
        List<Map<String, Double>> epochs = new ArrayList<>();
        try (BufferedReader lines = Files.newBufferedReader(log)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode json = MAPPER.readTree(line);
                JsonNode values = json.path("values");
                if (json.has("step") && values.path("Loss").isNumber()) {
                    losses.add(new double[] {
                        json.get("step").asDouble(),
                        Rounding.round(values.get("Loss").asDouble())
                    });
                } else if (json.has("epoch")) {
                    Map<String, Double> epoch = new LinkedHashMap<>();
                    epoch.put("epoch", json.get("epoch").asDouble());
                    values.properties().forEach(value -> {
                        if (value.getValue().isNumber()) {
                            epoch.put(
                                    value.getKey(),
                                    Rounding.round(value.getValue().asDouble()));
                        }
                    });
                    epochs.add(epoch);
                }
            }
        } catch (IOException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE, "The log '%s' cannot be read: %s.".formatted(log, e.getMessage()), e);
        }
        return new TrainingReport(summary, facts, thinned(losses), epochs, surprises);
    }

    /** As many points as a chart can show, each the mean of its neighbours. */
    private static List<double[]> thinned(List<double[]> points) {
        int group = (points.size() + MOST_POINTS - 1) / MOST_POINTS;
        if (group <= 1) {
            return points;
        }
        List<double[]> thin = new ArrayList<>();
        for (int from = 0; from < points.size(); from += group) {
            List<double[]> some = points.subList(from, Math.min(points.size(), from + group));
            double mean = some.stream().mapToDouble(point -> point[1]).average().orElseThrow();
            thin.add(new double[] {some.get(some.size() / 2)[0], Rounding.round(mean)});
        }
        return thin;
    }
}
