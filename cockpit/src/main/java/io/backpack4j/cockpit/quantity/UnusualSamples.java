// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The samples of the batch whose gradients are longest, and those whose gradients point most against the mean. The
 * value is the largest ‖g_n‖; ids stand in the details.
 *
 * @param count how many of each
 */
record UnusualSamples(int count) implements SingleStepQuantityOfGradients {

    @Override
    public List<Extension<?>> needed() {
        return List.of(Measured.squaredNorms(), Measured.dotsWithSum());
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        double[] norms = GradientStatistics.squaredNorms(step, parameters);
        double[] dots = GradientStatistics.dotsWithMean(step, parameters);
        double mean = Math.sqrt(GradientStatistics.squaredMean(step, parameters));
        long[] ids = step.batch().sampleIds();
        double[] losses = step.losses();
        List<Map<String, Object>> longest = order(Comparator.comparingDouble((Integer n) -> -norms[n]), norms.length)
                .map(n -> {
                    Map<String, Object> sample = sample(ids[n]);
                    put(sample, "norm", Math.sqrt(norms[n]));
                    put(sample, "loss", losses[n]);
                    return sample;
                })
                .toList();
        List<Map<String, Object>> opposed = order(Comparator.comparingDouble((Integer n) -> dots[n]), norms.length)
                .filter(n -> dots[n] < 0)
                .map(n -> {
                    Map<String, Object> sample = sample(ids[n]);
                    put(sample, "inner_product", dots[n]);
                    put(sample, "cosine", dots[n] / (Math.sqrt(norms[n]) * mean));
                    return sample;
                })
                .toList();
        double largest = norms.length == 0
                ? Double.NaN
                : Math.sqrt(IntStream.range(0, norms.length)
                        .mapToDouble(n -> norms[n])
                        .max()
                        .orElseThrow());
        return new Measurement(Value.of(largest), Map.of("longest", longest, "most_opposed", opposed));
    }

    private java.util.stream.Stream<Integer> order(Comparator<Integer> comparator, int samples) {
        return IntStream.range(0, samples).boxed().sorted(comparator).limit(count);
    }

    private static Map<String, Object> sample(long id) {
        Map<String, Object> sample = new LinkedHashMap<>();
        sample.put("id", id);
        return sample;
    }

    private static void put(Map<String, Object> sample, String name, double value) {
        sample.put(name, Value.of(value).toJson());
    }
}
