// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryTest {

    @Test
    void countsHandlesAndBytes() {
        try (Backend backend = Variant.open("onednn")) {
            assertThat(backend.memory()).isEqualTo(new MemoryStatistics(0, 0, 0, 0, 0));
            TensorScope scope = backend.openScope();
            Tensor first = scope.allocate(Shape.of(16), DType.FLOAT32);
            Tensor second = scope.allocate(Shape.of(16, 4), DType.FLOAT64);
            scope.rows(second, 1, 3);
            assertThat(backend.memory()).isEqualTo(new MemoryStatistics(3, 64 + 512, 64 + 512, 64 + 512, 2));
            first.close();
            first.close();
            assertThat(backend.memory()).isEqualTo(new MemoryStatistics(2, 512, 64 + 512, 64 + 512, 2));
            backend.resetPeak();
            assertThat(backend.memory().peakBytes()).isEqualTo(512);
            scope.close();
            scope.close();
            assertThat(backend.memory()).isEqualTo(new MemoryStatistics(0, 0, 512, 64 + 512, 2));
        }
    }

    @Test
    void givesBlocksOfOneSizeClassAgain() {
        try (Backend backend = Variant.open("onednn")) {
            for (int round = 0; round < 3; round++) {
                try (TensorScope scope = backend.openScope()) {
                    scope.allocate(Shape.of(1000 + round), DType.FLOAT32);
                    scope.allocate(Shape.of(2_000_000), DType.FLOAT32);
                }
            }
            assertThat(backend.memory().systemAllocations()).isEqualTo(2);
        }
    }

    @Test
    void takesFreeBlocksOfUpToTwiceTheSize() {
        try (Backend backend = Variant.open("onednn")) {
            try (TensorScope scope = backend.openScope()) {
                scope.allocate(Shape.of(1 << 20), DType.FLOAT32);
            }
            // a little more than half, then half of it, then the whole
            for (int elements : new int[] {600_000, 300_000, 1 << 20}) {
                long before = backend.memory().systemAllocations();
                try (TensorScope scope = backend.openScope()) {
                    scope.allocate(Shape.of(elements), DType.FLOAT32);
                    long used = backend.memory().usedBytes();
                    boolean fits = elements > 1 << 19;
                    assertThat(used).isEqualTo(fits ? 4L << 20 : SizeClass.round(elements * 4L));
                    assertThat(backend.memory().systemAllocations()).isEqualTo(before + (fits ? 0 : 1));
                }
            }
        }
    }

    @Test
    void accountsGetNoLargerBlocks() {
        try (Backend backend = Variant.open("onednn")) {
            try (TensorScope scope = backend.openScope()) {
                scope.allocate(Shape.of(1 << 20), DType.FLOAT32);
            }
            try (MemoryAccount account = backend.openAccount(4 << 20, 4 << 20).orElseThrow();
                    TensorScope scope = backend.openScope()) {
                scope.allocate(Shape.of(600_000), DType.FLOAT32);
                assertThat(account.peakBytes()).isEqualTo(SizeClass.round(2_400_000));
            }
        }
    }

    @Test
    void sizeClassesHoldWhatTheyAreAskedFor() {
        int last = -1;
        long lastSize = 0;
        for (long bytes = 0; bytes < 1 << 20; bytes += 1 + bytes / 97) {
            long size = SizeClass.round(bytes);
            assertThat(size).isGreaterThanOrEqualTo(bytes);
            assertThat(size % SizeClass.ALIGNMENT).isZero();
            assertThat(size).isLessThanOrEqualTo(Math.max(bytes + bytes / 8 + 1, bytes + SizeClass.ALIGNMENT));
            assertThat(SizeClass.round(size)).isEqualTo(size);
            int index = SizeClass.index(size);
            assertThat(index == last).isEqualTo(size == lastSize);
            assertThat(index).isBetween(last, SizeClass.COUNT - 1);
            last = index;
            lastSize = size;
        }
        assertThat(SizeClass.index(SizeClass.round(1L << 60))).isLessThan(SizeClass.COUNT);
    }

    @Test
    void blocksAreAligned() {
        try (Backend backend = Variant.open("onednn");
                TensorScope scope = backend.openScope()) {
            for (int size = 1; size < 5000; size += 37) {
                CpuTensor tensor = (CpuTensor) scope.allocate(Shape.of(size), DType.FLOAT32);
                assertThat(tensor.address() % 64).isZero();
            }
        }
    }

    @Test
    void viewsShareAndKeepMemory() {
        try (Backend backend = Variant.open("onednn");
                TensorScope outer = backend.openScope()) {
            Tensor view;
            Tensor rows;
            try (TensorScope inner = backend.openScope()) {
                Tensor tensor = inner.allocate(Shape.of(4, 3), DType.FLOAT32);
                tensor.write(0, new double[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0, 12);
                view = outer.view(tensor, Shape.of(2, 6));
                rows = outer.rows(tensor, 1, 3);
                tensor.write(5, new double[] {50}, 0, 1);
            }
            assertThat(backend.memory().usedBytes()).isEqualTo(64);
            assertThat(view.toDoubleArray()).containsExactly(0, 1, 2, 3, 4, 50, 6, 7, 8, 9, 10, 11);
            assertThat(rows.shape()).isEqualTo(Shape.of(2, 3));
            assertThat(rows.toDoubleArray()).containsExactly(3, 4, 50, 6, 7, 8);
            assertThat(outer.rows(rows, 1, 2).toDoubleArray()).containsExactly(6, 7, 8);
            view.close();
            assertThat(rows.toDoubleArray()).hasSize(6);
        }
    }

    @Test
    void adoptedTensorsOutliveTheirScope() {
        try (Backend backend = Variant.open("onednn");
                TensorScope outer = backend.openScope()) {
            Tensor kept;
            Tensor lost;
            try (TensorScope inner = backend.openScope()) {
                kept = inner.allocate(Shape.of(2), DType.FLOAT64);
                lost = inner.allocate(Shape.of(2), DType.FLOAT64);
                kept.write(0, new double[] {1, 2}, 0, 2);
                assertThat(outer.adopt(kept)).isSameAs(kept);
                assertThat(outer.adopt(kept)).isSameAs(kept);
            }
            assertThat(lost.isClosed()).isTrue();
            assertThat(kept.toDoubleArray()).containsExactly(1, 2);
            outer.close();
            assertThat(kept.isClosed()).isTrue();
            assertThat(backend.memory().openTensors()).isZero();
        }
    }

    @Test
    void refusesWhatIsClosedOrForeign() {
        Backend backend = Variant.open("onednn");
        Backend other = Variant.open("nd4j");
        TensorScope scope = backend.openScope();
        Tensor open = scope.allocate(Shape.of(2, 2), DType.FLOAT32);
        Tensor closed = scope.allocate(Shape.of(2, 2), DType.FLOAT32);
        Tensor foreign = other.openScope().allocate(Shape.of(2, 2), DType.FLOAT32);
        closed.close();
        assertProblem("ClosedTensor", () -> closed.read(0, new double[1], 0, 1));
        assertProblem("ClosedTensor", () -> backend.elementwise().fill(closed, 1));
        assertProblem("ClosedTensor", () -> backend.products().multiply(open, false, closed, false, 1, 0, open));
        assertProblem("ClosedTensor", () -> scope.view(closed, Shape.of(4)));
        assertProblem("ForeignTensor", () -> backend.elementwise().combine(BinaryOperation.ADD, open, foreign, open));
        assertProblem("ForeignTensor", () -> other.reductions().allFinite(open));
        assertProblem("InvalidView", () -> scope.view(open, Shape.of(5)));
        assertProblem("InvalidRows", () -> scope.rows(open, 1, 3));
        assertProblem("RangeOutOfBounds", () -> open.read(3, new double[2], 0, 2));
        assertProblem("RangeOutOfBounds", () -> open.write(-1, new double[2], 0, 2));
        assertProblem("WrongType", () -> open.toLongArray());
        scope.close();
        assertProblem("ClosedScope", () -> scope.allocate(Shape.of(1), DType.FLOAT32));
        other.close();
        assertProblem("ClosedBackend", () -> foreign.read(0, new double[1], 0, 1));
        assertProblem("ClosedBackend", other::openScope);
        backend.close();
        backend.close();
    }

    private static void assertProblem(String id, Runnable action) {
        assertThatThrownBy(action::run).isInstanceOf(BackpackException.class).hasMessageContaining("[" + id + "]");
    }

    @Test
    void convertsAtTheBorder() {
        try (Backend backend = Variant.open("nd4j");
                TensorScope scope = backend.openScope()) {
            for (int size : new int[] {3, 2500}) {
                double[] values = new double[size];
                for (int i = 0; i < size; i++) {
                    values[i] = i - 1;
                }
                for (DType dtype : DType.values()) {
                    Tensor tensor = scope.allocate(Shape.of(size), dtype);
                    tensor.write(0, values, 0, size);
                    assertThat(tensor.toDoubleArray()).containsExactly(values);
                    double[] part = new double[size + 1];
                    tensor.read(1, part, 2, size - 1);
                    assertThat(part[1]).isZero();
                    assertThat(part[size]).isEqualTo(size - 2);
                    if (dtype.isFloating()) {
                        float[] floats = tensor.toFloatArray();
                        tensor.write(0, floats, 0, size);
                        assertThat(tensor.toDoubleArray()).containsExactly(values);
                    } else {
                        assertThat(tensor.toLongArray()[size - 1]).isEqualTo(size - 2);
                    }
                }
            }
        }
    }

    /** A step of every kind of operation, with fresh tensors each time. */
    private static void step(Backend backend, DType dtype, int n) {
        try (TensorScope scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(n, 40), dtype);
            Tensor y = scope.allocate(Shape.of(n, 40), dtype);
            Tensor row = scope.allocate(Shape.of(40), dtype);
            Tensor square = scope.allocate(Shape.of(40, 40), dtype);
            backend.elementwise().fill(x, 0.5);
            backend.elementwise().fill(y, 0.25);
            backend.elementwise().apply(UnaryOperation.EXP, x, x);
            backend.elementwise().affine(x, 0.1, 0.1, x);
            backend.elementwise().addScaled(0.3, x, y);
            backend.elementwise().activation(Activation.of(Activation.Kind.SIGMOID), 0, x, x);
            backend.reductions().reduce(Reduction.SUM, x, 0, 1, row);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, x, row, x);
            backend.reductions().logSoftmax(x, 1, x);
            backend.products().multiply(x, true, y, false, 1, 0, square);
            backend.products().linear(x, square, row, y);
            Tensor left = scope.allocate(Shape.of(4, 1, 9, 100), dtype);
            Tensor right = scope.allocate(Shape.of(4, 1, 9, 120), dtype);
            Tensor sums = scope.allocate(Shape.of(1, 1, 100, 120), dtype);
            Tensor squares = scope.allocate(Shape.of(1, 100, 120), dtype);
            for (Tensor each : List.of(left, right, sums, squares)) {
                backend.elementwise().fill(each, 0.1);
            }
            backend.contractions()
                    .contract(
                            new PerSampleProduct(left, true, right, false),
                            List.of(new TileConsumer.Sum(sums), new TileConsumer.SumOfSquares(squares, null, null)));
            scope.view(sums, Shape.of(12_000));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void aSteadySequenceTakesNoNewMemory(String kernels) {
        try (Backend backend = Variant.open(kernels)) {
            for (int i = 0; i < 5; i++) {
                step(backend, DType.FLOAT32, 64);
                step(backend, DType.FLOAT64, 64);
            }
            MemoryStatistics before = backend.memory();
            long nativeBytes = Pointer.totalBytes();
            long nativeObjects = Pointer.totalCount();
            for (int i = 0; i < 1000; i++) {
                step(backend, DType.FLOAT32, 64);
                step(backend, DType.FLOAT64, 64);
            }
            assertThat(backend.memory()).isEqualTo(before);
            assertThat(Pointer.totalBytes()).isLessThanOrEqualTo(nativeBytes);
            assertThat(Pointer.totalCount()).isLessThanOrEqualTo(nativeObjects);
        }
    }

    /** Arrays that are long enough for ND4J. */
    private static void largeStep(Backend backend, DType dtype) {
        try (TensorScope scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(150_000), dtype);
            Tensor y = scope.allocate(Shape.of(150_000), dtype);
            backend.elementwise().fill(x, 0.5);
            backend.elementwise().apply(UnaryOperation.EXP, x, y);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, x, y, y);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void neitherDoLargeArrays(String kernels) {
        try (Backend backend = Variant.open(kernels)) {
            for (int i = 0; i < 20; i++) {
                largeStep(backend, DType.FLOAT32);
                largeStep(backend, DType.FLOAT64);
            }
            MemoryStatistics before = backend.memory();
            long nativeBytes = Pointer.totalBytes();
            long resident = Pointer.physicalBytes();
            for (int i = 0; i < 1000; i++) {
                largeStep(backend, DType.FLOAT32);
                largeStep(backend, DType.FLOAT64);
            }
            assertThat(backend.memory()).isEqualTo(before);
            assertThat(Pointer.totalBytes()).isLessThanOrEqualTo(nativeBytes);
            assertThat(Pointer.physicalBytes() - resident).isLessThan(100L << 20);
        }
    }

    @Test
    void changingShapesDoNotPileUp() {
        try (Backend backend = Variant.open("onednn")) {
            for (int i = 0; i < 40; i++) {
                step(backend, DType.FLOAT32, 20 + 9 * i);
            }
            assertThat(backend.memory().pooledBytes()).isLessThan(20 << 20);
        }
    }

    @Test
    void freeMemoryIsBounded() {
        MemoryPool pool = new MemoryPool(Long.MAX_VALUE);
        try {
            // ever larger blocks, one at a time: none fits the next request
            for (long bytes = 1 << 20; bytes < 400L << 20; bytes += bytes / 4) {
                pool.release(pool.allocate(bytes));
            }
            assertThat(pool.statistics().usedBytes()).isZero();
            assertThat(pool.statistics().pooledBytes()).isLessThan(3 * (450L << 20));
        } finally {
            pool.close();
        }
    }

    @Test
    void severalThreadsShareABackend() throws Exception {
        try (Backend backend = Variant.open("onednn")) {
            Thread[] threads = new Thread[4];
            Throwable[] failures = new Throwable[threads.length];
            for (int t = 0; t < threads.length; t++) {
                int number = t;
                threads[t] = new Thread(() -> {
                    for (int i = 0; i < 20; i++) {
                        step(backend, i % 2 == 0 ? DType.FLOAT32 : DType.FLOAT64, 64 + number);
                    }
                });
                threads[t].setUncaughtExceptionHandler((thread, failure) -> failures[number] = failure);
                threads[t].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).containsOnlyNulls();
            assertThat(backend.memory().openTensors()).isZero();
        }
    }
}
