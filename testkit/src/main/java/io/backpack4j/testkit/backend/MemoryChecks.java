// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Scopes, handles and the pool. */
final class MemoryChecks {

    private static final Shape IMAGE = Shape.of(1, 1, 2);

    private final Backend backend;
    private final Supplier<Backend> open;

    /** Checks {@code backend}; {@code open} opens another of its kind. */
    MemoryChecks(Backend backend, Supplier<Backend> open) {
        this.backend = backend;
        this.open = open;
    }

    void handlesShareMemory() {
        for (DType dtype : DType.values()) {
            try (TensorScope outer = backend.openScope()) {
                Tensor kept;
                try (TensorScope scope = backend.openScope()) {
                    Tensor whole = backend.upload(scope, Shape.of(3, 4), dtype, new double[12]);
                    Tensor rows = scope.rows(whole, 1, 3);
                    Tensor view = scope.view(rows, Shape.of(2, 2, 2));
                    view.write(5, new double[] {8, 9}, 0, 2);
                    assertThat(whole.toDoubleArray()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 9, 0);
                    whole.close();
                    double[] some = {-1, -1, -1, -1};
                    rows.read(4, some, 1, 3);
                    assertThat(some).containsExactly(-1, 0, 8, 9);
                    assertThat(scope.rows(rows, 1, 1).toDoubleArray()).isEmpty();
                    kept = outer.adopt(rows);
                    assertThat(kept).isSameAs(rows);
                }
                assertThat(kept.isClosed()).isFalse();
                assertThat(kept.toDoubleArray()).containsExactly(0, 0, 0, 0, 0, 8, 9, 0);
            }
        }
    }

    /** For backends that count; others have nothing to keep to. */
    void accountsCountWhatTheirThreadTakes() {
        long limit = 1 << 20;
        try (TensorScope before = backend.openScope();
                TensorScope scope = backend.openScope()) {
            Tensor earlier = before.allocate(Shape.of(1000), DType.FLOAT32);
            Optional<MemoryAccount> opened = backend.openAccount(limit, limit);
            if (opened.isEmpty()) {
                return;
            }
            try (MemoryAccount account = opened.get()) {
                assertThat(account.peakBytes()).isZero();
                Tensor first = scope.allocate(Shape.of(50_000), DType.FLOAT32);
                earlier.close();
                first.close();
                scope.allocate(Shape.of(60_000), DType.FLOAT32);
                assertThat(account.peakBytes()).isBetween(240_000L, 300_000L);
                assertThatThrownBy(() -> scope.allocate(Shape.of(250_000), DType.FLOAT32))
                        .isInstanceOf(BackpackException.class)
                        .hasMessageStartingWith("[OutOfMemory]")
                        .hasMessageContaining("of the budget of 1,048,576 are in use");
                assertThatThrownBy(() -> backend.openAccount(limit, limit)).isInstanceOf(IllegalStateException.class);
            }
            scope.allocate(Shape.of(250_000), DType.FLOAT32);
            backend.openAccount(limit, limit).ifPresent(MemoryAccount::close);
        }
    }

    void whatIsClosedIsNotUsed() {
        TensorScope scope = backend.openScope();
        Tensor tensor = backend.upload(scope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
        Tensor other = backend.upload(scope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
        tensor.close();
        tensor.close();
        assertThat(tensor.isClosed()).isTrue();
        refused(tensor::toDoubleArray);
        refused(() -> tensor.write(0, new double[1], 0, 1));
        refused(() -> backend.elementwise().fill(tensor, 0));
        refused(() -> backend.elementwise().copy(tensor, other));
        refused(() -> backend.elementwise().copy(other, tensor));
        refused(() -> scope.view(tensor, Shape.of(1, 2)));
        refused(() -> scope.rows(tensor, 0, 1));
        Tensor closedImage = scope.allocate(IMAGE, DType.FLOAT64);
        closedImage.close();
        refusesWindows(scope, closedImage);
        scope.close();
        scope.close();
        assertThat(other.isClosed()).isTrue();
        refused(other::toDoubleArray);
        refused(() -> scope.allocate(Shape.of(1), DType.FLOAT64));
    }

    void anotherBackendsTensorsAreRefused() {
        try (Backend another = open.get();
                HeapBackend heap = new HeapBackend();
                TensorScope own = backend.openScope()) {
            Tensor tensor = backend.upload(own, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
            for (Backend owner : List.of(another, heap)) {
                try (TensorScope foreignScope = owner.openScope()) {
                    Tensor foreign = owner.upload(foreignScope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
                    refused(() -> backend.elementwise().fill(foreign, 0));
                    refused(() -> backend.elementwise().addScaled(1, foreign, tensor));
                    refused(() -> own.view(foreign, Shape.of(1, 2)));
                    Tensor foreignImage = owner.upload(foreignScope, IMAGE, DType.FLOAT64, new double[2]);
                    refusesWindows(own, foreignImage);
                }
            }
        }
    }

    /** Convolutions and pooling do not take {@code bad}, an image, in place of any operand. */
    private void refusesWindows(TensorScope scope, Tensor bad) {
        Tensor image = backend.upload(scope, IMAGE, DType.FLOAT64, new double[2]);
        Tensor columns = scope.allocate(Shape.of(1, 1, 2, 1), DType.FLOAT64);
        Tensor weight = backend.upload(scope, Shape.of(1, 1, 1), DType.FLOAT64, new double[1]);
        Tensor places = scope.allocate(IMAGE, DType.INT64);
        places.write(0, new long[2], 0, 2);
        Window window = new Window(List.of(1L), List.of(1L), List.of(0L), List.of(1L));
        var convolutions = backend.convolutions();
        var pooling = backend.pooling();
        refused(() -> convolutions.unfold(window, bad, List.of(2L), columns));
        refused(() -> convolutions.fold(window, columns, List.of(2L), bad));
        refused(() -> convolutions.convolve(window, bad, weight, null, image));
        refused(() -> convolutions.convolveTransposed(window, image, weight, null, bad));
        refused(() -> pooling.maximum(window, bad, image, places));
        refused(() -> pooling.adaptiveMaximum(image, bad, places));
        refused(() -> pooling.scatter(places, bad, image));
        refused(() -> pooling.gather(image, places, bad));
    }

    void rangesAndShapesAreChecked() {
        try (TensorScope scope = backend.openScope()) {
            Tensor tensor = backend.upload(scope, Shape.of(2, 3), DType.FLOAT64, new double[6]);
            refused(() -> tensor.read(5, new double[2], 0, 2));
            refused(() -> tensor.write(-1, new double[2], 0, 2));
            refused(() -> scope.view(tensor, Shape.of(5)));
            refused(() -> scope.rows(tensor, 1, 3));
        }
    }

    void equalScopesTakeNoNewMemory() {
        long before = 0;
        for (int round = 0; round < 6; round++) {
            try (TensorScope scope = backend.openScope()) {
                for (int size : new int[] {1, 100, 5000}) {
                    Tensor x = backend.upload(scope, Shape.of(size), DType.FLOAT32, new double[size]);
                    backend.elementwise().affine(x, 1, 1, scope.allocate(Shape.of(size), DType.FLOAT32));
                }
                assertThat(backend.memory().openTensors()).isEqualTo(6);
                assertThat(backend.memory().usedBytes()).isGreaterThanOrEqualTo(2 * 4 * 5101);
                assertThat(backend.memory().peakBytes())
                        .isGreaterThanOrEqualTo(backend.memory().usedBytes());
            }
            if (round == 2) {
                before = backend.memory().systemAllocations();
            }
        }
        assertThat(backend.memory().systemAllocations())
                .as("system allocations")
                .isEqualTo(before);
        backend.resetPeak();
        assertThat(backend.memory().peakBytes()).isEqualTo(backend.memory().usedBytes());
    }

    void twoBackendsDoNotDisturbEachOther() {
        try (TensorScope scope = backend.openScope()) {
            Tensor tensor = backend.upload(scope, Shape.of(2), DType.FLOAT32, new double[] {1, 2});
            try (Backend another = open.get();
                    TensorScope there = another.openScope()) {
                there.allocate(Shape.of(1000), DType.FLOAT64);
                assertThat(another.memory().openTensors()).isEqualTo(1);
                assertThat(backend.memory().openTensors()).isEqualTo(1);
            }
            assertThat(tensor.toDoubleArray()).containsExactly(1, 2);
        }
    }

    private static void refused(Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class);
    }
}
