// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import org.junit.jupiter.api.Test;

class ChunkedSumTest {

    @Test
    void a_batch_in_one_chunk_takes_no_memory() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor result = scope.allocate(Shape.of(2), DType.FLOAT64);
            ChunkedSum sum = new ChunkedSum(backend, scope, result);
            assertThat(sum.of(chunk(0, 5), false)).isSameAs(result);
            assertThat(sum.of(chunk(0, 5), true)).isSameAs(result);
            sum.complete();
            assertThat(backend.memory().openTensors()).isEqualTo(1);
        }
    }

    @Test
    void steps_of_further_chunks_add_to_a_part_of_their_own() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor result = scope.allocate(Shape.of(1), DType.FLOAT64);
            ChunkedSum sum = new ChunkedSum(backend, scope, result);
            backend.elementwise().fill(sum.of(chunk(0, 2), false), 10);
            Tensor second = sum.of(chunk(2, 4), false);
            assertThat(second).isNotSameAs(result);
            backend.elementwise().fill(second, 3);
            assertThat(sum.of(chunk(2, 4), true).toDoubleArray())
                    .as("a later step of the same chunk finds what the first one left")
                    .containsExactly(3);
            assertThat(sum.of(chunk(4, 5), true).toDoubleArray())
                    .as("a new chunk starts from zero")
                    .containsExactly(0);
            sum.complete();
            assertThat(result.toDoubleArray()).containsExactly(13);
            assertThat(backend.memory().openTensors())
                    .as("parts are given back")
                    .isEqualTo(1);
        }
    }

    private static Step chunk(long from, long to) {
        return new Step(new Block(0, 1, from, to), 1, 5, null);
    }
}
