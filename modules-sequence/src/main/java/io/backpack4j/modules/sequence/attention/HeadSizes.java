// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The sizes of an attention, and the order in which its arithmetic wants its operands: heads first, then samples.
 *
 * @param samples the number N of samples
 * @param heads the number H of heads
 * @param queries the number T of queries
 * @param keys the number S of keys
 */
record HeadSizes(long samples, long heads, long queries, long keys) {

    /** The number of matrices of scores, one per head and sample; that of head h and sample n has number h N + n. */
    long matrices() {
        return heads * samples;
    }

    /** {@code [V, N, T, H·d]} as {@code [V, H·N, T, d]}: a handle that shares memory where there is one head. */
    Tensor split(Backend backend, TensorScope scope, Tensor columns) {
        Shape shape = columns.shape();
        long count = shape.size(0);
        long length = shape.size(2);
        long features = shape.size(3) / heads;
        Shape target = Shape.of(count, matrices(), length, features);
        if (heads == 1) {
            return scope.view(columns, target);
        }
        Tensor result = scope.allocate(target, columns.dtype());
        try (TensorScope work = backend.openScope()) {
            backend.indexing()
                    .permute(
                            work.view(columns, Shape.of(count, samples, length, heads, features)),
                            new int[] {0, 3, 1, 2, 4},
                            work.view(result, Shape.of(count, heads, samples, length, features)));
        }
        return result;
    }

    /** {@code [V, H·N, T, d]} as {@code [V, N, T, H·d]}: a handle that shares memory where there is one head. */
    Tensor join(Backend backend, TensorScope scope, Tensor split) {
        Shape shape = split.shape();
        long count = shape.size(0);
        long length = shape.size(2);
        long features = shape.size(3);
        Shape target = Shape.of(count, samples, length, heads * features);
        if (heads == 1) {
            return scope.view(split, target);
        }
        Tensor result = scope.allocate(target, split.dtype());
        try (TensorScope work = backend.openScope()) {
            backend.indexing()
                    .permute(
                            work.view(split, Shape.of(count, heads, samples, length, features)),
                            new int[] {0, 2, 3, 1, 4},
                            work.view(result, Shape.of(count, samples, length, heads, features)));
        }
        return result;
    }
}
