// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

/** Weighted least squares of few unknowns, by the modified Gram-Schmidt method. */
final class LeastSquares {

    private static final double SINGULAR = 1e-14;

    private LeastSquares() {}

    /**
     * The w with the least Σ_i ((values_i − design_i · w) / deviation_i)².
     *
     * @return empty if it is singular, or something is not finite
     */
    static double[] solve(double[][] design, double[] values, double[] deviations) {
        int rows = design.length;
        int unknowns = design[0].length;
        double[][] q = new double[unknowns][rows];
        double[] rest = new double[rows];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < unknowns; j++) {
                q[j][i] = design[i][j] / deviations[i];
            }
            rest[i] = values[i] / deviations[i];
        }
        double[][] r = new double[unknowns][unknowns];
        double[] projected = new double[unknowns];
        for (int j = 0; j < unknowns; j++) {
            double before = Math.sqrt(dot(q[j], q[j]));
            // Twice is enough.
            for (int pass = 0; pass < 2; pass++) {
                for (int k = 0; k < j; k++) {
                    double part = dot(q[k], q[j]);
                    r[k][j] += part;
                    subtract(part, q[k], q[j]);
                }
            }
            r[j][j] = Math.sqrt(dot(q[j], q[j]));
            if (!(r[j][j] > SINGULAR * before) || !Double.isFinite(r[j][j])) {
                return new double[0];
            }
            for (int i = 0; i < rows; i++) {
                q[j][i] /= r[j][j];
            }
            projected[j] = dot(q[j], rest);
            subtract(projected[j], q[j], rest);
        }
        double[] w = new double[unknowns];
        for (int j = unknowns - 1; j >= 0; j--) {
            double sum = projected[j];
            for (int k = j + 1; k < unknowns; k++) {
                sum -= r[j][k] * w[k];
            }
            w[j] = sum / r[j][j];
            if (!Double.isFinite(w[j])) {
                return new double[0];
            }
        }
        return w;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void subtract(double factor, double[] a, double[] from) {
        for (int i = 0; i < a.length; i++) {
            from[i] -= factor * a[i];
        }
    }
}
