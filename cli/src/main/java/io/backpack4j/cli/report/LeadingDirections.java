// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The leading eigenvectors of the generalised Gauss-Newton matrix.
 *
 * @param samples how many samples it is of
 * @param trace the sum of all eigenvalues
 * @param share what the leading ones have of it
 * @param rows the directions, that of the largest eigenvalue first
 */
public record LeadingDirections(int samples, double trace, double share, List<Row> rows) {

    public LeadingDirections {
        rows = List.copyOf(rows);
    }

    /**
     * A direction.
     *
     * @param rank its number, from 1 on
     * @param eigenvalue the curvature along it
     * @param slopeToNoise the squared mean over the variance of single samples' slopes; null where nothing varies
     * @param curvatureToNoise the same of their curvatures
     */
    public record Row(
            int rank,
            double eigenvalue,
            @Nullable Double slopeToNoise,
            @Nullable Double curvatureToNoise) {}

    /**
     * Works out ratios, with N − 1 in variances.
     *
     * @param spectrum all eigenvalues, ascending
     * @param slopes of single samples along the leading eigenvectors, {@code [N, K]} in their ascending order
     * @param curvatures the same of curvatures
     * @param samples N
     */
    public static LeadingDirections of(double[] spectrum, double[] slopes, double[] curvatures, int samples) {
        int count = curvatures.length / samples;
        double trace = Arrays.stream(spectrum).sum();
        double sum = 0;
        List<Row> rows = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            double eigenvalue = spectrum[spectrum.length - 1 - k];
            sum += eigenvalue;
            int column = count - 1 - k;
            rows.add(new Row(
                    k + 1, Rounding.round(eigenvalue), ratio(slopes, count, column), ratio(curvatures, count, column)));
        }
        return new LeadingDirections(samples, Rounding.round(trace), Rounding.round(sum / trace), rows);
    }

    private static @Nullable Double ratio(double[] rows, int columns, int column) {
        int samples = rows.length / columns;
        double mean = 0;
        for (int n = 0; n < samples; n++) {
            mean += rows[n * columns + column] / samples;
        }
        double squares = 0;
        for (int n = 0; n < samples; n++) {
            double distance = rows[n * columns + column] - mean;
            squares += distance * distance;
        }
        double ratio = mean * mean / (squares / (samples - 1));
        return Double.isFinite(ratio) ? Double.valueOf(Rounding.round(ratio)) : null;
    }
}
