// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/**
 * Gaussian distributions of a network's outputs for N samples.
 *
 * @param likelihood the distribution of targets
 * @param samples N
 * @param outputs C, the number of a sample's outputs
 * @param mean the network's outputs, {@code [N, C]}
 * @param covariance J P⁻¹ Jᵀ, {@code [N, C, C]}
 * @param sigma the deviation of targets around outputs, for regression
 */
public record Predictive(
        Likelihood likelihood, int samples, int outputs, double[] mean, double[] covariance, double sigma) {

    /** The covariances of targets in regression, those of outputs and σ² on the diagonal: {@code [N, C, C]}. */
    public double[] targetCovariance() {
        require(likelihood == Likelihood.REGRESSION, "Covariances of targets");
        double[] sum = covariance.clone();
        for (int n = 0; n < samples; n++) {
            for (int c = 0; c < outputs; c++) {
                sum[index(n, c, c)] += sigma * sigma;
            }
        }
        return sum;
    }

    /**
     * Probabilities {@code [N, C]}, softmax(f / √(1 + π/8 · variance)), or the sigmoid of that (MacKay 1992, "The
     * Evidence Framework Applied to Classification Networks").
     */
    public double[] probit() {
        require(likelihood != Likelihood.REGRESSION, "Probabilities");
        double[] scaled = mean.clone();
        for (int n = 0; n < samples; n++) {
            for (int c = 0; c < outputs; c++) {
                scaled[n * outputs + c] /= Math.sqrt(1 + Math.PI / 8 * covariance[index(n, c, c)]);
            }
        }
        return linked(scaled);
    }

    /**
     * Probabilities {@code [N, C]}, the mean of the Dirichlet distribution that the Laplace bridge gives, after the
     * Gaussian was made one of outputs that sum to zero (Hobbhahn, Kristiadi, Hennig 2022, "Fast Predictive Uncertainty
     * for Classification with Bayesian Deep Networks").
     */
    public double[] bridge() {
        require(likelihood == Likelihood.CLASSIFICATION, "Laplace bridges");
        double[] probabilities = new double[samples * outputs];
        for (int n = 0; n < samples; n++) {
            bridge(n, probabilities);
        }
        return probabilities;
    }

    private void bridge(int n, double[] probabilities) {
        double[] rows = new double[outputs];
        double total = 0;
        double sum = 0;
        for (int c = 0; c < outputs; c++) {
            sum += mean[n * outputs + c];
            for (int d = 0; d < outputs; d++) {
                rows[c] += covariance[index(n, c, d)];
                total += covariance[index(n, c, d)];
            }
        }
        double[] centred = new double[outputs];
        double negative = 0;
        for (int c = 0; c < outputs; c++) {
            centred[c] = mean[n * outputs + c] - (total > 0 ? rows[c] * sum / total : sum / outputs);
            negative += Math.exp(-centred[c]);
        }
        double norm = 0;
        for (int c = 0; c < outputs; c++) {
            double variance = covariance[index(n, c, c)] - (total > 0 ? rows[c] * rows[c] / total : 0);
            double squared = (double) outputs * outputs;
            double alpha = (1 - 2.0 / outputs + Math.exp(centred[c]) / squared * negative) / variance;
            probabilities[n * outputs + c] = alpha;
            norm += alpha;
        }
        for (int c = 0; c < outputs; c++) {
            probabilities[n * outputs + c] /= norm;
            require(
                    Double.isFinite(probabilities[n * outputs + c]),
                    "Laplace bridges of outputs this large or certain");
        }
    }

    /**
     * Probabilities {@code [N, C]}, means of those of drawn outputs.
     *
     * @param draws how many, at least 1; the error falls with their root
     * @param seed the same seed gives the same numbers
     */
    public double[] monteCarlo(int draws, long seed) {
        require(likelihood != Likelihood.REGRESSION, "Probabilities");
        if (draws < 1) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE, "There are %d draws, but must be at least 1.".formatted(draws));
        }
        double[][] roots = new double[samples][];
        for (int n = 0; n < samples; n++) {
            roots[n] = root(n);
        }
        double[] sum = new double[mean.length];
        RandomKey key = new RandomKey(seed, 0, 0).stream("laplace");
        for (int draw = 0; draw < draws; draw++) {
            double[] drawn = mean.clone();
            for (int n = 0; n < samples; n++) {
                for (int k = 0; k < outputs; k++) {
                    double normal = normal(key.draw(draw), n, k);
                    for (int c = 0; c < outputs; c++) {
                        drawn[n * outputs + c] += roots[n][c * outputs + k] * normal;
                    }
                }
            }
            double[] probabilities = linked(drawn);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += probabilities[i] / draws;
            }
        }
        return sum;
    }

    /** R with R Rᵀ the covariance, which may be singular. */
    private double[] root(int n) {
        double[][] matrix = new double[outputs][outputs];
        for (int c = 0; c < outputs; c++) {
            for (int d = 0; d < outputs; d++) {
                matrix[c][d] = (covariance[index(n, c, d)] + covariance[index(n, d, c)]) / 2;
            }
        }
        EigenDecompositionSymmetric eigen = new EigenDecompositionSymmetric(new Array2DRowRealMatrix(matrix));
        double[] root = new double[outputs * outputs];
        for (int k = 0; k < outputs; k++) {
            double factor = Math.sqrt(Math.max(0, eigen.getEigenvalue(k)));
            for (int c = 0; c < outputs; c++) {
                root[c * outputs + k] = factor * eigen.getEigenvector(k).getEntry(c);
            }
        }
        return root;
    }

    /** A normal number (Box and Muller 1958). */
    private static double normal(RandomKey key, long sample, long position) {
        double radius = Math.sqrt(-2 * Math.log(1 - CounterRandom.uniform(key, sample, 2 * position)));
        return radius * Math.cos(2 * Math.PI * CounterRandom.uniform(key, sample, 2 * position + 1));
    }

    /** Softmax of a sample's numbers, or the sigmoid of each. */
    private double[] linked(double[] values) {
        double[] probabilities = new double[values.length];
        for (int n = 0; n < samples; n++) {
            double greatest = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < outputs; c++) {
                greatest = Math.max(greatest, values[n * outputs + c]);
            }
            double sum = 0;
            for (int i = n * outputs; i < (n + 1) * outputs; i++) {
                probabilities[i] = likelihood == Likelihood.BINARY
                        ? 1 / (1 + Math.exp(-values[i]))
                        : Math.exp(values[i] - greatest);
                sum += probabilities[i];
            }
            for (int i = n * outputs; likelihood == Likelihood.CLASSIFICATION && i < (n + 1) * outputs; i++) {
                probabilities[i] /= sum;
            }
        }
        return probabilities;
    }

    private void require(boolean condition, String what) {
        if (!condition) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE, "%s are not possible for %s.".formatted(what, likelihood));
        }
    }

    private int index(int n, int c, int d) {
        return (n * outputs + c) * outputs + d;
    }
}
