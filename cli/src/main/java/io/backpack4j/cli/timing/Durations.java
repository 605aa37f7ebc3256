// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.timing;

import io.backpack4j.cli.console.Text;
import java.util.List;

/**
 * Measured times in milliseconds.
 *
 * @param median the middle one, or the mean of the middle two
 * @param min the shortest
 * @param max the longest
 */
public record Durations(double median, double min, double max) {

    public static Durations of(List<Double> milliseconds) {
        double[] sorted =
                milliseconds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        if (sorted.length == 0) {
            throw new IllegalArgumentException("Nothing was measured");
        }
        double median = (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
        return new Durations(median, sorted[0], sorted[sorted.length - 1]);
    }

    /** The time that an action takes. */
    public static double measure(Runnable action) {
        long start = System.nanoTime();
        action.run();
        return (System.nanoTime() - start) / 1e6;
    }

    public String toJson() {
        return Text.format("{\"median\": %.3f, \"min\": %.3f, \"max\": %.3f}", median, min, max);
    }
}
