// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.Arrays;
import java.util.Random;

/**
 * One of two backends that do the same: equal seeds make equal numbers.
 *
 * @param backend the backend
 * @param scope where operands go
 * @param dtype the type of real numbers
 * @param random the numbers
 */
record BackendSide(Backend backend, TensorScope scope, DType dtype, Random random) {

    /** Normal numbers, rounded so that both types hold them. */
    Tensor tensor(long... sizes) {
        return tensor(Shape.of(sizes));
    }

    Tensor tensor(Shape shape) {
        return upload(shape, Randomness.normal(random, shape.elements()));
    }

    /** Symmetric matrices, {@code [G, L, L]}. */
    Tensor symmetric(long groups, long length) {
        Shape shape = Shape.of(groups, length, length);
        double[] values = Randomness.normal(random, shape.elements());
        int size = (int) length;
        for (int first = 0; first < values.length; first += size * size) {
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < i; j++) {
                    values[first + i * size + j] = values[first + j * size + i];
                }
            }
        }
        return upload(shape, values);
    }

    /** Numbers in [0.25, 2.25). */
    Tensor positive(Shape shape) {
        double[] values = random.doubles(shape.elements(), 0.25, 2.25).toArray();
        return upload(shape, values);
    }

    Tensor upload(Shape shape, double... values) {
        double[] rounded = Arrays.stream(values).map(value -> (float) value).toArray();
        return backend.upload(scope, shape, dtype, rounded);
    }

    /** A destination whose old contents must not matter. */
    Tensor dirty(long... sizes) {
        return dirty(Shape.of(sizes));
    }

    Tensor dirty(Shape shape) {
        double[] values = new double[(int) shape.elements()];
        Arrays.fill(values, Double.NaN);
        return backend.upload(scope, shape, dtype, values);
    }

    /** Whole numbers from 0 to a bound (exclusive). */
    Tensor integers(Shape shape, int bound) {
        Tensor tensor = scope.allocate(shape, DType.INT64);
        long[] values = random.longs(shape.elements(), 0, bound).toArray();
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    /** Few different numbers, among them negative ones and both zeros, so that many are equal. */
    Tensor ties(Shape shape) {
        double[] values = random.ints(shape.elements(), -2, 3)
                .mapToDouble(value -> value == -2 ? -0.0 : value)
                .toArray();
        return upload(shape, values);
    }

    /** A destination for indices whose old contents must not matter. */
    Tensor dirtyIndices(Shape shape) {
        Tensor tensor = scope.allocate(shape, DType.INT64);
        long[] values = new long[(int) shape.elements()];
        Arrays.fill(values, Long.MIN_VALUE);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }
}
