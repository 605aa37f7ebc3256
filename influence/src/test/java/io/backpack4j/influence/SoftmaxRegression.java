// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import java.util.Random;

/**
 * Softmax regression with a squared norm, in plain Java: c Σ_n w_n ℓ_n(θ) + λ/2 ‖θ‖², θ being the weights [C, D], then
 * the biases [C].
 */
final class SoftmaxRegression {

    static final int CLASSES = 3;
    static final int FEATURES = 4;
    static final int PARAMETERS = CLASSES * FEATURES + CLASSES;

    /** Distance of centres: classes overlap. */
    private static final double SPREAD = 0.3;

    final double[][] inputs;
    final int[] labels;
    final double factor;
    final double damping;

    SoftmaxRegression(double[][] inputs, int[] labels, double factor, double damping) {
        this.inputs = inputs;
        this.labels = labels;
        this.factor = factor;
        this.damping = damping;
    }

    /** Points around three centres; every tenth has another label. */
    static SoftmaxRegression points(int samples, long seed, double factor, double damping) {
        Random random = new Random(seed);
        double[][] inputs = new double[samples][FEATURES];
        int[] labels = new int[samples];
        for (int n = 0; n < samples; n++) {
            int centre = n % CLASSES;
            for (int d = 0; d < FEATURES; d++) {
                inputs[n][d] = random.nextGaussian() + (d == centre ? SPREAD : -SPREAD / 3);
            }
            labels[n] = n % 10 == 9 ? random.nextInt(CLASSES) : centre;
        }
        return new SoftmaxRegression(inputs, labels, factor, damping);
    }

    double[] probabilities(double[] theta, int n) {
        double[] scores = new double[CLASSES];
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            scores[c] = theta[CLASSES * FEATURES + c];
            for (int d = 0; d < FEATURES; d++) {
                scores[c] += theta[c * FEATURES + d] * inputs[n][d];
            }
            scores[c] = Math.exp(scores[c]);
            sum += scores[c];
        }
        for (int c = 0; c < CLASSES; c++) {
            scores[c] /= sum;
        }
        return scores;
    }

    double loss(double[] theta, int n) {
        return -Math.log(probabilities(theta, n)[labels[n]]);
    }

    /** The gradient of one sample's loss. */
    double[] gradient(double[] theta, int n) {
        double[] probabilities = probabilities(theta, n);
        probabilities[labels[n]] -= 1;
        return outer(probabilities, n);
    }

    private double[] outer(double[] outputs, int n) {
        double[] gradient = new double[PARAMETERS];
        for (int c = 0; c < CLASSES; c++) {
            gradient[CLASSES * FEATURES + c] = outputs[c];
            for (int d = 0; d < FEATURES; d++) {
                gradient[c * FEATURES + d] = outputs[c] * inputs[n][d];
            }
        }
        return gradient;
    }

    /** c Σ ∇²ℓ_n + λI, without one sample unless it is −1. */
    double[][] hessian(double[] theta, int without) {
        double[][] hessian = new double[PARAMETERS][PARAMETERS];
        for (int n = 0; n < inputs.length; n++) {
            if (n == without) {
                continue;
            }
            double[] p = probabilities(theta, n);
            for (int i = 0; i < PARAMETERS; i++) {
                for (int j = 0; j < PARAMETERS; j++) {
                    int a = output(i);
                    int b = output(j);
                    double atOutput = (a == b ? p[a] : 0) - p[a] * p[b];
                    hessian[i][j] += factor * atOutput * input(i, n) * input(j, n);
                }
            }
        }
        for (int i = 0; i < PARAMETERS; i++) {
            hessian[i][i] += damping;
        }
        return hessian;
    }

    private static int output(int parameter) {
        return parameter < CLASSES * FEATURES ? parameter / FEATURES : parameter - CLASSES * FEATURES;
    }

    private double input(int parameter, int n) {
        return parameter < CLASSES * FEATURES ? inputs[n][parameter % FEATURES] : 1;
    }

    /** The minimum without one sample unless it is −1, by Newton's method. */
    double[] minimum(double[] start, int without) {
        double[] theta = start.clone();
        for (int step = 0; step < 50; step++) {
            double[] gradient = new double[PARAMETERS];
            for (int i = 0; i < PARAMETERS; i++) {
                gradient[i] = damping * theta[i];
            }
            for (int n = 0; n < inputs.length; n++) {
                if (n != without) {
                    double[] own = gradient(theta, n);
                    for (int i = 0; i < PARAMETERS; i++) {
                        gradient[i] += factor * own[i];
                    }
                }
            }
            double[] update = solve(hessian(theta, without), gradient);
            double size = 0;
            for (int i = 0; i < PARAMETERS; i++) {
                theta[i] -= update[i];
                size = Math.max(size, Math.abs(update[i]));
            }
            if (size < 1e-13) {
                return theta;
            }
        }
        throw new AssertionError("Newton's method did not converge.");
    }

    /** A⁻¹ b by elimination with pivots. */
    static double[] solve(double[][] a, double[] b) {
        int size = b.length;
        double[][] rows = new double[size][];
        for (int i = 0; i < size; i++) {
            rows[i] = java.util.Arrays.copyOf(a[i], size + 1);
            rows[i][size] = b[i];
        }
        for (int i = 0; i < size; i++) {
            int pivot = i;
            for (int r = i + 1; r < size; r++) {
                pivot = Math.abs(rows[r][i]) > Math.abs(rows[pivot][i]) ? r : pivot;
            }
            double[] swapped = rows[i];
            rows[i] = rows[pivot];
            rows[pivot] = swapped;
            for (int r = 0; r < size; r++) {
                if (r != i) {
                    double ratio = rows[r][i] / rows[i][i];
                    for (int j = i; j <= size; j++) {
                        rows[r][j] -= ratio * rows[i][j];
                    }
                }
            }
        }
        double[] x = new double[size];
        for (int i = 0; i < size; i++) {
            x[i] = rows[i][size] / rows[i][i];
        }
        return x;
    }
}
