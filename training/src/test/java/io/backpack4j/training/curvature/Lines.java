// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import java.util.Random;

/** Data that is linear, or badly scaled. */
final class Lines {

    private Lines() {}

    /** Points near a line, for {@link io.backpack4j.training.Toys#line}: y ≈ 3 x₀ − 2 x₁ + 1. */
    static ArraySource data(int samples) {
        Random random = new Random(7);
        double[] inputs = new double[2 * samples];
        double[] targets = new double[samples];
        for (int n = 0; n < samples; n++) {
            inputs[2 * n] = random.nextGaussian();
            inputs[2 * n + 1] = random.nextGaussian() + inputs[2 * n];
            targets[n] = 3 * inputs[2 * n] - 2 * inputs[2 * n + 1] + 1 + 0.1 * random.nextGaussian();
        }
        return ArraySource.of(
                new HostTensor.Doubles(Shape.of(samples, 2), inputs),
                new HostTensor.Doubles(Shape.of(samples, 1), targets));
    }

    /**
     * Points of {@link io.backpack4j.training.Toys#points}' kind whose coordinates, once they have made the class, get
     * scales of their own.
     */
    static ArraySource scaledPoints(int samples) {
        double[] scales = {10, 0.1, 1, 0.03};
        Random random = new Random(4);
        double[] inputs = new double[4 * samples];
        long[] classes = new long[samples];
        for (int n = 0; n < samples; n++) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < 4; i++) {
                double number = random.nextGaussian();
                if (i < 3 && number > largest) {
                    largest = number;
                    classes[n] = i;
                }
                inputs[4 * n + i] = scales[i] * number;
            }
        }
        return ArraySource.of(
                new HostTensor.Doubles(Shape.of(samples, 4), inputs), new HostTensor.Longs(Shape.of(samples), classes));
    }
}
