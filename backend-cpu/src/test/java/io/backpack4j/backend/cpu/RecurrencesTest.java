// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.LstmCotangents;
import io.backpack4j.spi.backend.LstmSweep;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.portable.PortableRecurrences;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Samples that threads take through time by themselves, beside the portable way through all of them together. */
class RecurrencesTest {

    private static final int STEPS = 8;

    /** Enough for five threads, and no multiple of anything. */
    private static final int SAMPLES = 101;

    private static final int HIDDEN = 48;

    private static Backend open(int threads) {
        return new CpuBackendProvider().open(new BackendConfiguration(threads, Map.of("kernels", "onednn")));
    }

    private interface Way {
        void go(Backend backend, LstmSweep sweep, LstmCotangents cotangents);
    }

    private static void fused(Backend backend, LstmSweep sweep, LstmCotangents cotangents) {
        backend.recurrences().lstm(sweep);
        backend.recurrences().lstmPullback(sweep, cotangents);
    }

    private static void portable(Backend backend, LstmSweep sweep, LstmCotangents cotangents) {
        new PortableRecurrences(backend).lstm(sweep);
        new PortableRecurrences(backend).lstmPullback(sweep, cotangents);
    }

    /** All that is written, there and back. */
    private static List<double[]> results(Backend backend, DType dtype, int columns, boolean isReverse, Way way) {
        Random random = new Random(Variant.seed());
        try (TensorScope scope = backend.openScope()) {
            Shape states = Shape.of(STEPS + 1, SAMPLES, HIDDEN);
            LstmSweep sweep = new LstmSweep(
                    isReverse,
                    drawn(backend, scope, dtype, random, 0.2, Shape.of(4L * HIDDEN, HIDDEN)),
                    drawn(backend, scope, dtype, random, 1, Shape.of(4, STEPS, SAMPLES, HIDDEN)),
                    drawn(backend, scope, dtype, random, 0.5, states),
                    drawn(backend, scope, dtype, random, 0.5, states),
                    scope.allocate(Shape.of(STEPS, SAMPLES, HIDDEN), dtype));
            Shape state = Shape.of(columns, SAMPLES, HIDDEN);
            LstmCotangents cotangents = new LstmCotangents(
                    drawn(backend, scope, dtype, random, 1, state.prepend(STEPS)),
                    scope.allocate(Shape.of(columns, SAMPLES, STEPS, 4L * HIDDEN), dtype),
                    scope.allocate(state, dtype),
                    scope.allocate(state, dtype));
            way.go(backend, sweep, cotangents);
            List<double[]> results = new ArrayList<>();
            for (Tensor tensor : List.of(
                    sweep.gates(),
                    sweep.h(),
                    sweep.memory(),
                    sweep.bounded(),
                    cotangents.gates(),
                    cotangents.h(),
                    cotangents.memory())) {
                results.add(tensor.toDoubleArray());
            }
            return results;
        }
    }

    private static Tensor drawn(
            Backend backend, TensorScope scope, DType dtype, Random random, double scale, Shape shape) {
        double[] values = Randomness.normal(random, shape.elements());
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * values[i]);
        }
        return backend.upload(scope, shape, dtype, values);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, false",
        "2, 1, false",
        "2, 3, true",
        "3, 1, true",
        "5, 1, false",
        "5, 2, true",
        "3, 7, false",
        "12, 1, true"
    })
    void everyNumberOfThreadsGoesTheSameWay(int threads, int columns, boolean isReverse) {
        try (Backend backend = open(threads)) {
            List<double[]> expected = results(backend, DType.FLOAT64, columns, isReverse, RecurrencesTest::portable);
            List<double[]> actual = results(backend, DType.FLOAT32, columns, isReverse, RecurrencesTest::fused);
            for (int which = 0; which < expected.size(); which++) {
                double[] wanted = expected.get(which);
                double[] found = actual.get(which);
                double worst = 0;
                for (int i = 0; i < wanted.length; i++) {
                    worst = Math.max(worst, Math.abs(found[i] - wanted[i]) / (1 + Math.abs(wanted[i])));
                }
                assertThat(worst).as("result %d", which).isLessThan(5e-6);
            }
        }
    }

    @Test
    void callersOfOneBackendDoNotMeet() throws Exception {
        try (Backend backend = open(2)) {
            List<double[]> alone = results(backend, DType.FLOAT32, 1, false, RecurrencesTest::fused);
            ExecutorService callers = Executors.newFixedThreadPool(3);
            try {
                List<Future<List<double[]>>> all = new ArrayList<>();
                for (int i = 0; i < 12; i++) {
                    all.add(callers.submit(() -> results(backend, DType.FLOAT32, 1, false, RecurrencesTest::fused)));
                }
                for (Future<List<double[]>> one : all) {
                    for (int which = 0; which < alone.size(); which++) {
                        assertThat(Arrays.equals(one.get().get(which), alone.get(which)))
                                .as("result %d", which)
                                .isTrue();
                    }
                }
            } finally {
                callers.shutdownNow();
            }
        }
    }

    @Test
    void nothingIsAllocatedAfterTheFirstTime() {
        try (Backend backend = open(2)) {
            for (int i = 0; i < 5; i++) {
                results(backend, DType.FLOAT32, 2, false, RecurrencesTest::fused);
            }
            MemoryStatistics before = backend.memory();
            long pointers = Pointer.totalCount();
            for (int i = 0; i < 20; i++) {
                results(backend, DType.FLOAT32, 2, false, RecurrencesTest::fused);
            }
            MemoryStatistics after = backend.memory();
            assertThat(after.systemAllocations()).isEqualTo(before.systemAllocations());
            assertThat(after.usedBytes()).isEqualTo(before.usedBytes());
            assertThat(after.openTensors()).isEqualTo(before.openTensors());
            assertThat(Pointer.totalCount()).isLessThanOrEqualTo(pointers);
        }
    }
}
