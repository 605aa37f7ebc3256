// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.List;

/**
 * How numbers become inputs of a network: (x · scale − mean) / deviation.
 *
 * @param scale what bytes are multiplied by, such as 1/255
 * @param mean one number, or one for each channel (axis 1)
 * @param deviation one number, or one for each channel
 */
public record Normalization(double scale, List<Double> mean, List<Double> deviation) {

    /** Bytes as numbers from 0 to 1. */
    public static final Normalization UNIT = new Normalization(1.0 / 255, List.of(0.0), List.of(1.0));

    public Normalization {
        mean = List.copyOf(mean);
        deviation = List.copyOf(deviation);
        boolean possible = Double.isFinite(scale)
                && !mean.isEmpty()
                && mean.size() == deviation.size()
                && mean.stream().allMatch(Double::isFinite)
                && deviation.stream().allMatch(one -> one > 0 && Double.isFinite(one));
        if (!possible) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "Inputs cannot be scaled by %s, less %s, by %s: as many means as deviations above 0 are needed, one or one per channel."
                            .formatted(scale, mean, deviation));
        }
    }

    /** One mean and one deviation for all elements. */
    public static Normalization of(double scale, double mean, double deviation) {
        return new Normalization(scale, List.of(mean), List.of(deviation));
    }

    /**
     * Changes numbers in place.
     *
     * @param values {@code [N, C, *]} if there is a mean for each channel
     * @param channels C
     * @param positions how many elements a channel has
     */
    void apply(HostTensor.Floats values, int channels, int positions) {
        float[] numbers = values.values();
        for (int i = 0; i < numbers.length; i++) {
            int c = mean.size() == 1 ? 0 : i / positions % channels;
            numbers[i] = (float) value(numbers[i], c);
        }
    }

    /** What a number becomes. */
    public double value(double number, int channel) {
        return (number * scale - mean.get(channel)) / deviation.get(channel);
    }
}
