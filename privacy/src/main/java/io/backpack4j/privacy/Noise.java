// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.security.SecureRandom;

/** Where noise comes from. */
interface Noise {

    /** Who draws; see {@link RandomKey#stream}. */
    long STREAM = 0x4E4F_4953L;

    /**
     * Adds independent normal numbers.
     *
     * @param step the number of the step
     * @param index the number of the tensor within the step
     * @param destination changed
     */
    void add(Backend backend, double deviation, long step, int index, Tensor destination);

    /** A normal number for the host. */
    double next(long step);

    /** Numbers that are a function of (seed, step): a run that is repeated has the same. */
    record Seeded(long seed) implements Noise {

        @Override
        public void add(Backend backend, double deviation, long step, int index, Tensor destination) {
            try (TensorScope scope = backend.openScope()) {
                Tensor drawn = scope.allocate(destination.shape().prepend(1), destination.dtype());
                backend.random().normal(new RandomKey(seed, STREAM, index), new long[] {step}, drawn);
                backend.elementwise().addScaled(deviation, scope.view(drawn, destination.shape()), destination);
            }
        }

        @Override
        public double next(long step) {
            var random = new java.util.SplittableRandom(seed ^ (step * 0x9E3779B97F4A7C15L));
            return random.nextGaussian();
        }
    }

    /**
     * Numbers that nobody can foresee. Each is half of the sum of four, so that the low bits of floating point numbers
     * do not give away what they were added to (N. Holohan, S. Braghin (2021), "Secure random sampling in differential
     * privacy").
     */
    final class Secure implements Noise {

        private static final int RANGE = 1 << 14;

        private final SecureRandom random = new SecureRandom();

        Secure() {
            // The second number of a pair would be known to who knows the first.
            random.nextGaussian();
        }

        @Override
        public void add(Backend backend, double deviation, long step, int index, Tensor destination) {
            long elements = destination.shape().elements();
            double[] drawn = new double[(int) Math.min(RANGE, elements)];
            try (TensorScope scope = backend.openScope()) {
                Tensor all = scope.allocate(Shape.of(elements), destination.dtype());
                for (long from = 0; from < elements; from += drawn.length) {
                    int count = (int) Math.min(drawn.length, elements - from);
                    for (int i = 0; i < count; i++) {
                        drawn[i] = next(step);
                    }
                    all.write(from, drawn, 0, count);
                }
                backend.elementwise().addScaled(deviation, scope.view(all, destination.shape()), destination);
            }
        }

        @Override
        public double next(long step) {
            return (random.nextGaussian() + random.nextGaussian() + random.nextGaussian() + random.nextGaussian()) / 2;
        }
    }
}
