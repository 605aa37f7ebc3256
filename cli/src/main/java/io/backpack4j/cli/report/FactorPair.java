// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.util.Arrays;

/**
 * A Kronecker factor twice: estimated from drawn targets, and exact.
 *
 * @param parameter the parameter's full name
 * @param size its rows, and columns
 * @param estimate the estimated factor, row by row; empty if it is too large to be shown
 * @param exact the exact factor, likewise
 * @param limit the greatest magnitude of both
 * @param distance the norm of their difference, relative to that of the exact one
 */
@SuppressWarnings("ArrayRecordComponent")
public record FactorPair(String parameter, int size, double[] estimate, double[] exact, double limit, double distance) {

    private static final int LARGEST = 128;

    /** Compares two symmetric matrices, or several of them one after the other, of which the first is shown. */
    public static FactorPair of(String parameter, int size, double[] estimate, double[] exact) {
        double limit = 0;
        int shown = size > LARGEST ? 0 : size * size;
        for (int i = 0; i < shown; i++) {
            limit = Math.max(limit, Math.max(Math.abs(estimate[i]), Math.abs(exact[i])));
        }
        return new FactorPair(
                parameter,
                size,
                Rounding.round(Arrays.copyOf(estimate, shown)),
                Rounding.round(Arrays.copyOf(exact, shown)),
                Rounding.round(limit),
                Rounding.round(distance(estimate, exact)));
    }

    /** The Frobenius norm of the difference, relative to that of the exact matrix; 0 if that is zero. */
    public static double distance(double[] estimate, double[] exact) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < exact.length; i++) {
            difference += (estimate[i] - exact[i]) * (estimate[i] - exact[i]);
            norm += exact[i] * exact[i];
        }
        return norm > 0 ? Math.sqrt(difference / norm) : 0;
    }
}
