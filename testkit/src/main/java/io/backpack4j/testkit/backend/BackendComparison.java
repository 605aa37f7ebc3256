// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * Compares a backend with {@link HeapBackend}.
 *
 * @param backend the backend under test
 * @param random where seeds come from
 * @param tolerance how far results may lie apart, per unit of the largest element
 */
record BackendComparison(Backend backend, Random random, ToDoubleFunction<DType> tolerance) {

    static final Shape EMPTY = Shape.of(0, 3);

    private static final int ROUNDS = 4;

    /** Does the same on both backends, in both types, several times, and compares the results. */
    void compare(String what, Function<BackendSide, List<Tensor>> body) {
        for (int round = 0; round < ROUNDS; round++) {
            compareOnce(what, body);
        }
    }

    /** Does the same on both backends, in both types, and compares the results. */
    void compareOnce(String what, Function<BackendSide, List<Tensor>> body) {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            long seed = random.nextLong();
            try (HeapBackend reference = new HeapBackend();
                    TensorScope expectedScope = reference.openScope();
                    TensorScope scope = backend.openScope()) {
                List<Tensor> expected = body.apply(new BackendSide(reference, expectedScope, dtype, new Random(seed)));
                List<Tensor> actual = body.apply(new BackendSide(backend, scope, dtype, new Random(seed)));
                for (int i = 0; i < expected.size(); i++) {
                    compare("%s, result %d, %s".formatted(what, i, dtype), dtype, actual.get(i), expected.get(i));
                }
            }
        }
    }

    private void compare(String what, DType dtype, Tensor actual, Tensor expected) {
        assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
        assertThat(actual.dtype()).as(what).isEqualTo(expected.dtype());
        Numbers.assertClose(
                what + " of shape " + expected.shape(),
                actual.toDoubleArray(),
                expected.toDoubleArray(),
                tolerance.applyAsDouble(dtype));
    }

    /** A random shape. */
    static Shape shape(Random random, int rank) {
        long[] sizes = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            sizes[axis] = 1L + random.nextInt(axis == rank - 1 ? 40 : 6);
        }
        return Shape.of(sizes);
    }

    /** Random shapes, that of a scalar, and one of nothing. */
    static List<Shape> shapes(Random random) {
        return List.of(shape(random, 1), shape(random, 2), shape(random, 3), Shape.of(), EMPTY);
    }
}
