// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * Threads with streams of their own. The emulated streams do nothing before somebody waits, so what is not ordered
 * comes too late.
 */
@EmulationRequired
class ThreadsTest {

    private static final int THREADS = 12;

    @Test
    void passesOfSeveralThreadsShareParameters() throws Exception {
        EmulatedCudaApi api = new EmulatedCudaApi(false);
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try (CudaBackend backend = EmulatedCuda.open(api);
                TensorScope scope = backend.openScope()) {
            Tensor parameter = scope.allocate(Shape.of(100), DType.FLOAT64);
            for (int round = 1; round <= 5; round++) {
                backend.elementwise().fill(parameter, round);
                List<Future<double[]>> passes = new ArrayList<>();
                for (int i = 0; i < THREADS; i++) {
                    int factor = i;
                    passes.add(threads.submit(() -> pass(backend, parameter, factor)));
                }
                for (int i = 0; i < THREADS; i++) {
                    assertThat(passes.get(i).get()).containsOnly(round * i + 1.0 + i);
                }
                // Written again while the reads of other streams may not have happened.
            }
        } finally {
            threads.shutdown();
        }
        assertThat(api.leftovers()).isZero();
    }

    private static double[] pass(CudaBackend backend, Tensor parameter, int factor) {
        try (TensorScope scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(100), DType.FLOAT64);
            Tensor one = scope.allocate(Shape.of(), DType.FLOAT64);
            backend.elementwise().fill(one, 1 + factor);
            backend.elementwise().affine(parameter, factor, 0, x);
            backend.elementwise().combine(BinaryOperation.ADD, x, one, x);
            return x.toDoubleArray();
        }
    }

    @Test
    void memoryOfOneStreamIsTakenOverByAnotherInOrder() throws Exception {
        try (CudaBackend backend = EmulatedCuda.open(new EmulatedCudaApi(false));
                TensorScope results = backend.openScope()) {
            Tensor kept = results.allocate(Shape.of(64), DType.FLOAT32);
            try (TensorScope scope = backend.openScope()) {
                Tensor temporary = scope.allocate(Shape.of(64), DType.FLOAT32);
                backend.elementwise().fill(temporary, 7);
                backend.elementwise().copy(temporary, kept);
            }
            Thread other = new Thread(() -> {
                try (TensorScope scope = backend.openScope()) {
                    Tensor again = scope.allocate(Shape.of(64), DType.FLOAT32);
                    backend.elementwise().fill(again, 9);
                    assertThat(again.toFloatArray()).containsOnly(9);
                }
            });
            other.start();
            other.join();
            assertThat(kept.toFloatArray()).containsOnly(7);
        }
    }
}
