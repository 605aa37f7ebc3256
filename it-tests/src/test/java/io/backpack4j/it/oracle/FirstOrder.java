// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The first-order quantities, from their definitions, under the names of result files. */
public final class FirstOrder {

    private final List<Sample> samples = new ArrayList<>();
    private final SortedMap<String, double[]> results = new TreeMap<>();

    public FirstOrder(Problem problem) {
        for (int n = 0; n < problem.samples(); n++) {
            samples.add(new Sample(problem, n));
        }
        Sample first = samples.get(0);
        double factor = Losses.factor(problem, first.output());
        double[] losses =
                samples.stream().mapToDouble(sample -> sample.loss().number()).toArray();
        double loss = 0;
        for (double each : losses) {
            loss += factor * each;
        }
        results.put("loss", new double[] {loss});
        results.put("loss_batch", losses);
        results.put(
                "output",
                rows(samples.stream().map(sample -> sample.output().numbers()).toList()));
        for (String parameter : first.trained()) {
            List<double[]> gradients = new ArrayList<>();
            for (Sample sample : samples) {
                gradients.add(sample.loss().derivatives(sample.variables(parameter)).stream()
                        .mapToDouble(derivative -> factor * derivative.number())
                        .toArray());
            }
            put(parameter, gradients);
        }
    }

    /** All results. */
    public Map<String, double[]> results() {
        return results;
    }

    /** The smallest {@link Sample#margin} of all samples. */
    public double margin() {
        return samples.stream().mapToDouble(Sample::margin).min().orElseThrow();
    }

    /** @param gradients c·g_n of every sample */
    private void put(String parameter, List<double[]> gradients) {
        int size = gradients.get(0).length;
        int count = gradients.size();
        double[] sum = new double[size];
        double[] squares = new double[size];
        double[] variance = new double[size];
        double[] norms = new double[count];
        for (int n = 0; n < count; n++) {
            for (int i = 0; i < size; i++) {
                double g = gradients.get(n)[i];
                sum[i] += g;
                squares[i] += g * g;
                norms[n] += g * g;
            }
        }
        for (double[] gradient : gradients) {
            for (int i = 0; i < size; i++) {
                double difference = gradient[i] - sum[i] / count;
                variance[i] += difference * difference / count;
            }
        }
        results.put(parameter + "/grad", sum);
        results.put(parameter + "/grad_batch", rows(gradients));
        results.put(parameter + "/batch_l2", norms);
        results.put(parameter + "/sum_grad_squared", squares);
        results.put(parameter + "/variance", variance);
    }

    private static double[] rows(List<double[]> rows) {
        return rows.stream().flatMapToDouble(Arrays::stream).toArray();
    }
}
