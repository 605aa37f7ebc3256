// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.ext.secondorder.KroneckerFactors;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.Tensor;

/** What preconditioning is, with whole matrices on plain arrays. */
final class Dense {

    private Dense() {}

    /**
     * The damped block of a parameter in full. Kronecker factors are damped as Martens and Grosse (2015), section 6.3,
     * have it.
     */
    static double[][] damped(Results results, CurvatureExtension<?> extension, String parameter, double damping) {
        Object result = results.get(extension, parameter);
        if (result instanceof Tensor diagonal) {
            return damped(diagonal(diagonal.toDoubleArray()), damping);
        }
        KroneckerFactors factors = (KroneckerFactors) result;
        double[][] output = square(factors.output().toDoubleArray());
        return factors.input().isEmpty()
                ? damped(output, damping)
                : damped(output, square(factors.input().get().toDoubleArray()), damping);
    }

    /** (G + √λ/π I) ⊗ (A + π√λ I). */
    static double[][] damped(double[][] output, double[][] input, double damping) {
        double ofInput = trace(input) / input.length;
        double ofOutput = trace(output) / output.length;
        double pi = ofInput > 0 && ofOutput > 0 ? Math.sqrt(ofInput / ofOutput) : 1;
        return kronecker(damped(output, Math.sqrt(damping) / pi), damped(input, pi * Math.sqrt(damping)));
    }

    static double[][] diagonal(double... values) {
        double[][] matrix = new double[values.length][values.length];
        for (int i = 0; i < values.length; i++) {
            matrix[i][i] = values[i];
        }
        return matrix;
    }

    static double[][] damped(double[][] matrix, double damping) {
        double[][] damped = new double[matrix.length][];
        for (int i = 0; i < matrix.length; i++) {
            damped[i] = matrix[i].clone();
            damped[i][i] += damping;
        }
        return damped;
    }

    static double[][] square(double... values) {
        int size = (int) Math.round(Math.sqrt(values.length));
        double[][] matrix = new double[size][size];
        for (int i = 0; i < values.length; i++) {
            matrix[i / size][i % size] = values[i];
        }
        return matrix;
    }

    /** keep · a + (1 − keep) · b. */
    static double[][] average(double keep, double[][] a, double[][] b) {
        double[][] average = new double[a.length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) {
                average[i][j] = keep * a[i][j] + (1 - keep) * b[i][j];
            }
        }
        return average;
    }

    private static double[][] kronecker(double[][] left, double[][] right) {
        int n = right.length;
        double[][] product = new double[left.length * n][left.length * n];
        for (int i = 0; i < product.length; i++) {
            for (int j = 0; j < product.length; j++) {
                product[i][j] = left[i / n][j / n] * right[i % n][j % n];
            }
        }
        return product;
    }

    private static double trace(double[][] matrix) {
        double trace = 0;
        for (int i = 0; i < matrix.length; i++) {
            trace += matrix[i][i];
        }
        return trace;
    }

    /** Gauss's elimination with pivots. */
    static double[] solve(double[][] matrix, double... right) {
        int n = right.length;
        double[][] a = damped(matrix, 0);
        double[] x = right.clone();
        for (int k = 0; k < n; k++) {
            int pivot = k;
            for (int i = k; i < n; i++) {
                pivot = Math.abs(a[i][k]) > Math.abs(a[pivot][k]) ? i : pivot;
            }
            double[] row = a[k];
            a[k] = a[pivot];
            a[pivot] = row;
            double number = x[k];
            x[k] = x[pivot];
            x[pivot] = number;
            for (int i = k + 1; i < n; i++) {
                double factor = a[i][k] / a[k][k];
                for (int j = k; j < n; j++) {
                    a[i][j] -= factor * a[k][j];
                }
                x[i] -= factor * x[k];
            }
        }
        for (int k = n - 1; k >= 0; k--) {
            for (int j = k + 1; j < n; j++) {
                x[k] -= a[k][j] * x[j];
            }
            x[k] /= a[k][k];
        }
        return x;
    }

    static double dot(double[] a, double... b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
