// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import java.util.Arrays;

/** Eigenvalues by cyclic Jacobi rotations, written for the tests alone: slow, and exact to the last digits. */
final class Jacobi {

    private static final int SWEEPS = 60;

    private Jacobi() {}

    /** Ascending eigenvalues of a symmetric matrix with entries of the order of 1. */
    static double[] eigenvalues(double[][] matrix) {
        int size = matrix.length;
        double[][] a = Arrays.stream(matrix).map(double[]::clone).toArray(double[][]::new);
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            for (int p = 0; p < size; p++) {
                for (int q = p + 1; q < size; q++) {
                    rotate(a, p, q);
                }
            }
        }
        double[] values = new double[size];
        for (int i = 0; i < size; i++) {
            values[i] = a[i][i];
        }
        Arrays.sort(values);
        return values;
    }

    /** Makes a[p][q] zero. */
    private static void rotate(double[][] a, int p, int q) {
        if (a[p][q] == 0) {
            return;
        }
        double angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
        double cosine = Math.cos(angle);
        double sine = Math.sin(angle);
        for (int k = 0; k < a.length; k++) {
            double left = a[k][p];
            double right = a[k][q];
            a[k][p] = cosine * left - sine * right;
            a[k][q] = sine * left + cosine * right;
        }
        for (int k = 0; k < a.length; k++) {
            double upper = a[p][k];
            double lower = a[q][k];
            a[p][k] = cosine * upper - sine * lower;
            a[q][k] = sine * upper + cosine * lower;
        }
        a[p][q] = 0;
        a[q][p] = 0;
    }
}
