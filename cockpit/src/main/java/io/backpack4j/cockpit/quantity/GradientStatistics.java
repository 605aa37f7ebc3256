// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What gradient tests, and others, are made of. Sums over parameters, samples and elements are in double precision. */
final class GradientStatistics {

    private GradientStatistics() {}

    /** ‖ḡ‖². */
    static double squaredMean(Observation step, List<String> parameters) {
        double sum = 0;
        for (String parameter : parameters) {
            sum += step.squaredGradient(parameter);
        }
        return sum * step.batchFactor() * step.batchFactor();
    }

    /** Σ_n ‖g_n − ḡ‖², of {@link Measured#spread}. */
    static double spread(Observation step, List<String> parameters) {
        double sum = 0;
        for (String parameter : parameters) {
            sum += step.get(Measured.spread(), parameter).item();
        }
        return sum * step.sampleFactor() * step.sampleFactor();
    }

    /** ⟨g_n, ḡ⟩, of {@link Measured#dotsWithSum}. */
    static double[] dotsWithMean(Observation step, List<String> parameters) {
        double scale = step.sampleFactor() * step.sampleFactor() / step.samples();
        return perSample(step, parameters, Measured.dotsWithSum(), scale);
    }

    /** ‖g_n‖², of {@link Measured#squaredNorms}. */
    static double[] squaredNorms(Observation step, List<String> parameters) {
        return perSample(step, parameters, Measured.squaredNorms(), step.sampleFactor() * step.sampleFactor());
    }

    /** The sum over parameters of a result {@code [1, N]}, times a factor. */
    static double[] perSample(Observation step, List<String> parameters, Extension<Tensor> extension, double scale) {
        double[] sum = new double[Math.toIntExact(step.samples())];
        for (String parameter : parameters) {
            double[] own = step.get(extension, parameter).toDoubleArray();
            for (int n = 0; n < sum.length; n++) {
                sum[n] += own[n] * scale;
            }
        }
        return sum;
    }

    /** Σ_n (x_n − mean)². */
    static double centredSquares(double[] values) {
        double mean = mean(values);
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return sum;
    }

    static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** The number of elements of parameters. */
    static long elements(Observation step, List<String> parameters) {
        return parameters.stream()
                .mapToLong(parameter -> step.parameter(parameter).shape().elements())
                .sum();
    }

    /** The sum of the parameters' numbers. */
    static double sum(Map<String, Double> numbers, List<String> parameters) {
        return parameters.stream()
                .mapToDouble(parameter -> Objects.requireNonNull(numbers.get(parameter)))
                .sum();
    }
}
