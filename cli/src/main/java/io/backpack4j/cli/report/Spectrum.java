// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The eigenvalues of a Kronecker factor.
 *
 * @param parameter the parameter's full name
 * @param side G for the output side, A for the input side
 * @param size how many there are
 * @param greatest the greatest
 * @param trace their sum
 * @param most how many of the greatest make {@value #SHARE} of the sum
 * @param points pairs of rank, from 1 on, and eigenvalue; far down the ranks not all of them, and none that are zero
 *     but for rounding
 */
@SuppressWarnings("ArrayRecordComponent")
public record Spectrum(
        String parameter, String side, int size, double greatest, double trace, int most, List<double[]> points) {

    /** The share of the trace that {@link #most} has. */
    public static final double SHARE = 0.9;

    private static final double ROUNDING = 1e-7;
    private static final double STEP = 1.05;

    /** Sorts eigenvalues. */
    public static Spectrum of(String parameter, String side, double[] eigenvalues) {
        double[] ascending = eigenvalues.clone();
        Arrays.sort(ascending);
        int size = ascending.length;
        double greatest = size == 0 ? 0 : ascending[size - 1];
        double trace = Arrays.stream(ascending).sum();
        List<double[]> points = new ArrayList<>();
        double sum = 0;
        int most = 0;
        double next = 1;
        for (int rank = 1; rank <= size; rank++) {
            double value = ascending[size - rank];
            if (sum < SHARE * trace) {
                most = rank;
                sum += value;
            }
            if (rank >= next && value > ROUNDING * greatest) {
                points.add(new double[] {rank, Rounding.round(value)});
                next = rank * STEP;
            }
        }
        return new Spectrum(parameter, side, size, Rounding.round(greatest), Rounding.round(trace), most, points);
    }
}
