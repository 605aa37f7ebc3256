// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeapBackendTest {

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    @Test
    void freshMemoryIsNotZero() {
        assertThat(scope.allocate(Shape.of(2), DType.FLOAT64).toDoubleArray()).containsOnly(Double.NaN);
        assertThat(scope.allocate(Shape.of(2), DType.INT64).toLongArray()).containsOnly(Long.MIN_VALUE);
    }

    @Test
    void singlePrecisionIsRounded() {
        Tensor tensor = tensor(DType.FLOAT32, Shape.of(), 0.1);

        assertThat(tensor.item()).isEqualTo(0.1f);
    }

    @Test
    void viewsAndRowsShareMemory() {
        Tensor whole = tensor(DType.FLOAT64, Shape.of(3, 2), 0, 1, 2, 3, 4, 5);

        Tensor rows = scope.rows(whole, 1, 3);
        Tensor view = scope.view(rows, Shape.of(4));
        view.write(3, new double[] {9}, 0, 1);

        assertThat(whole.toDoubleArray()).containsExactly(0, 1, 2, 3, 4, 9);
        assertThat(rows.shape()).isEqualTo(Shape.of(2, 2));
    }

    @Test
    void memoryLivesAsLongAsItsLastHandle() {
        Tensor whole = tensor(DType.FLOAT64, Shape.of(2), 1, 2);
        Tensor view = scope.view(whole, Shape.of(1, 2));

        whole.close();
        assertThat(view.toDoubleArray()).containsExactly(1, 2);
        assertThat(backend.memory().usedBytes()).isEqualTo(16);

        view.close();
        assertThat(backend.memory().usedBytes()).isZero();
        assertThat(backend.memory().pooledBytes()).isEqualTo(16);
    }

    @Test
    void equalScopesTakeNoNewMemory() {
        for (int i = 0; i < 3; i++) {
            try (TensorScope step = backend.openScope()) {
                step.allocate(Shape.of(4), DType.FLOAT64);
                step.allocate(Shape.of(8), DType.FLOAT32);
            }
        }

        assertThat(backend.memory().systemAllocations()).isEqualTo(2);
        assertThat(backend.memory().peakBytes()).isEqualTo(64);
        backend.resetPeak();
        assertThat(backend.memory().peakBytes()).isZero();
    }

    @Test
    void adoptedTensorsOutliveTheirScope() {
        TensorScope inner = backend.openScope();
        Tensor tensor = inner.allocate(Shape.of(1), DType.FLOAT64);

        assertThat(scope.adopt(tensor)).isSameAs(tensor);
        inner.close();
        assertThat(tensor.isClosed()).isFalse();

        scope.close();
        assertThat(tensor.isClosed()).isTrue();
    }

    @Test
    void useAfterCloseFails() {
        Tensor tensor = tensor(DType.FLOAT64, Shape.of(1), 1);
        tensor.close();
        tensor.close();

        assertThatThrownBy(tensor::toDoubleArray).isInstanceOf(BackpackException.class);
        assertThatThrownBy(() -> backend.elementwise().fill(tensor, 0)).hasMessageContaining("ClosedTensor");
        assertThatThrownBy(() -> scope.view(tensor, Shape.of(1))).hasMessageContaining("ClosedTensor");
        scope.close();
        assertThatThrownBy(() -> scope.allocate(Shape.of(), DType.INT64)).hasMessageContaining("ClosedScope");
    }

    @Test
    void anotherBackendsTensorIsRejected() {
        Tensor foreign = new HeapBackend().openScope().allocate(Shape.of(1), DType.FLOAT64);

        assertThatThrownBy(() -> backend.elementwise().fill(foreign, 0)).hasMessageContaining("ForeignTensor");
    }

    @Test
    void leaksAreCountedAndStopTheBackendFromClosing() {
        tensor(DType.FLOAT64, Shape.of(3), 1, 2, 3);

        assertThat(backend.memory().openTensors()).isEqualTo(1);
        assertThat(backend.openScopes()).isEqualTo(1);
        assertThatThrownBy(backend::close).hasMessageContaining("Tensor [3] FLOAT64");
        scope.close();
        assertThat(backend.openScopes()).isZero();
        backend.close();
        assertThatThrownBy(backend::openScope).hasMessageContaining("ClosedBackend");
    }

    @Test
    void rangesAndTypesAreChecked() {
        Tensor reals = tensor(DType.FLOAT64, Shape.of(2), 1, 2);
        Tensor integers = scope.allocate(Shape.of(2), DType.INT64);

        assertThatThrownBy(() -> reals.read(1, new double[2], 0, 2)).hasMessageContaining("RangeOutOfBounds");
        assertThatThrownBy(reals::toLongArray).hasMessageContaining("WrongType");
        assertThatThrownBy(integers::toFloatArray).hasMessageContaining("WrongType");
        assertThatThrownBy(() -> scope.view(reals, Shape.of(3))).hasMessageContaining("InvalidView");
        assertThatThrownBy(() -> scope.rows(reals, 1, 3)).hasMessageContaining("InvalidRows");
    }

    @Test
    void overlappingDestinationsAreFound() {
        Tensor square = tensor(DType.FLOAT64, Shape.of(2, 2), 1, 2, 3, 4);
        Tensor row = scope.rows(square, 0, 1);

        assertThatThrownBy(() -> backend.products().multiply(square, false, square, false, 1, 0, square))
                .isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> backend.elementwise().combine(BinaryOperation.ADD, square, row, square))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void typesDoNotMix() {
        Tensor single = tensor(DType.FLOAT32, Shape.of(1), 1);
        Tensor twice = tensor(DType.FLOAT64, Shape.of(1), 1);

        assertThatThrownBy(() -> backend.elementwise().apply(UnaryOperation.EXP, single, twice))
                .isInstanceOf(AssertionError.class);
        backend.elementwise().copy(single, twice);
    }

    @Test
    void combinesStretchedShapes() {
        Tensor a = tensor(DType.FLOAT64, Shape.of(2, 1, 2), 1, 2, 3, 4);
        Tensor b = tensor(DType.FLOAT64, Shape.of(3, 1), 10, 20, 30);
        Tensor sum = scope.allocate(Shape.of(2, 3, 2), DType.FLOAT64);

        backend.elementwise().combine(BinaryOperation.ADD, a, b, sum);

        assertThat(sum.toDoubleArray()).containsExactly(11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34);
    }

    @Test
    void multipliesTransposedAndStretchedMatrices() {
        Tensor a = tensor(DType.FLOAT64, Shape.of(2, 2, 1), 1, 2, 3, 4);
        Tensor b = tensor(DType.FLOAT64, Shape.of(1, 3, 2), 1, 2, 3, 4, 5, 6);
        Tensor product = scope.allocate(Shape.of(2, 1, 3), DType.FLOAT64);

        backend.products().multiply(a, true, b, true, 2, 0, product);

        assertThat(product.toDoubleArray()).containsExactly(10, 22, 34, 22, 50, 78);
    }

    @Test
    void reducesMiddleAxes() {
        Tensor x = tensor(DType.FLOAT64, Shape.of(2, 2, 2), 1, 8, 3, 4, 5, 6, 7, 2);
        Tensor result = scope.allocate(Shape.of(2, 2), DType.FLOAT64);

        backend.reductions().reduce(Reduction.SUM, x, 1, 2, result);
        assertThat(result.toDoubleArray()).containsExactly(4, 12, 12, 8);
        backend.reductions().reduce(Reduction.MAXIMUM, x, 1, 2, result);
        assertThat(result.toDoubleArray()).containsExactly(3, 8, 7, 6);
        backend.reductions().reduce(Reduction.MINIMUM, x, 1, 2, result);
        assertThat(result.toDoubleArray()).containsExactly(1, 4, 5, 2);
    }

    @Test
    void countsInBins() {
        Tensor x = tensor(DType.FLOAT64, Shape.of(6), -9, 0, 0.5, 1.99, 2, Double.NaN);
        Tensor range = tensor(DType.FLOAT64, Shape.of(2), 0, 4);
        Tensor counts = tensor(DType.INT64, Shape.of(3), 10, 20, 30);

        backend.reductions().addHistogram(x, range, 0.5, counts);

        assertThat(counts.toLongArray()).containsExactly(13, 22, 31);
    }

    @Test
    void movesElements() {
        Tensor x = tensor(DType.FLOAT64, Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
        Tensor turned = scope.allocate(Shape.of(3, 2), DType.FLOAT64);
        backend.indexing().permute(x, new int[] {1, 0}, turned);
        assertThat(turned.toDoubleArray()).containsExactly(1, 4, 2, 5, 3, 6);

        Region region = new Region(List.of(0L, 0L), List.of(1L, 2L), List.of(2L, 2L));
        Tensor part = scope.allocate(region.shape(), DType.FLOAT64);
        backend.indexing().extract(x, region, part);
        assertThat(part.toDoubleArray()).containsExactly(1, 3, 4, 6);
        backend.elementwise().fill(part, 0);
        backend.indexing().insert(part, region, x);
        assertThat(x.toDoubleArray()).containsExactly(0, 2, 0, 0, 5, 0);
    }

    @Test
    void gathersAndScatters() {
        Tensor x = tensor(DType.FLOAT64, Shape.of(2, 2), 1, 2, 3, 4);
        Tensor indices = integers(Shape.of(3), 1, 1, 0);
        Tensor rows = scope.allocate(Shape.of(3, 2), DType.FLOAT64);
        backend.indexing().gatherRows(x, indices, rows);
        assertThat(rows.toDoubleArray()).containsExactly(3, 4, 3, 4, 1, 2);

        backend.indexing().addRows(rows, indices, x);
        assertThat(x.toDoubleArray()).containsExactly(2, 4, 9, 12);

        Tensor picked = scope.allocate(Shape.of(2), DType.FLOAT64);
        Tensor choice = integers(Shape.of(2), 1, 0);
        backend.indexing().pick(x, 1, choice, picked);
        assertThat(picked.toDoubleArray()).containsExactly(4, 9);
        backend.indexing().addAt(choice, 0, 0.5, x);
        assertThat(x.toDoubleArray()).containsExactly(2, 4.5, 9.5, 12);
    }

    @Test
    void convolves() {
        Window window = new Window(List.of(2L), List.of(1L), List.of(1L), List.of(2L));
        Tensor x = tensor(DType.FLOAT64, Shape.of(1, 2, 3), 1, 2, 3, 10, 20, 30);
        Tensor weight = tensor(DType.FLOAT64, Shape.of(2, 1, 2), 1, 100, -1, 1);
        Tensor bias = tensor(DType.FLOAT64, Shape.of(2), 0.5, 0);
        Tensor y = scope.allocate(Shape.of(1, 2, 3), DType.FLOAT64);

        // two groups; windows over (-1, 1), (0, 2) and (1, 3)
        backend.convolutions().convolve(window, x, weight, bias, y);
        assertThat(y.toDoubleArray()).containsExactly(200.5, 301.5, 2.5, 20, 20, -20);

        Tensor unfolded = scope.allocate(Shape.of(1, 1, 3, 4), DType.FLOAT64);
        backend.convolutions().unfold(window, x, List.of(3L), unfolded);
        assertThat(unfolded.toDoubleArray()).containsExactly(0, 2, 0, 20, 1, 3, 10, 30, 2, 0, 20, 0);

        Tensor back = scope.allocate(x.shape(), DType.FLOAT64);
        backend.convolutions().fold(window, unfolded, List.of(3L), back);
        assertThat(back.toDoubleArray()).containsExactly(1, 4, 3, 10, 40, 30);
        backend.convolutions().convolveTransposed(window, x, weight, null, back);
        assertThat(back.toDoubleArray()).containsExactly(2, 103, 200, -20, -20, 20);

        PerSampleConvolution product = new PerSampleConvolution(window, x, x, weight.shape());
        Tensor sum = tensor(DType.FLOAT64, Shape.of(1, 2, 1, 2), 1, 0, 0, 0);
        backend.convolutions().sum(product, sum);
        assertThat(sum.toDoubleArray()).containsExactly(9, 8, 800, 800);
        Tensor norms = scope.allocate(Shape.of(1), DType.FLOAT64);
        backend.convolutions().squaredNorms(product, norms);
        assertThat(norms.toDoubleArray()).containsExactly(64 + 64 + 640000 + 640000);
    }

    @Test
    void pools() {
        Tensor x = tensor(DType.FLOAT64, Shape.of(1, 1, 5), 3, 3, Double.NaN, 1, 2);
        Tensor y = scope.allocate(Shape.of(1, 1, 3), DType.FLOAT64);
        Tensor indices = scope.allocate(Shape.of(1, 1, 3), DType.INT64);

        // windows over (-1, 0, 1), (1, 2, 3) and (3, 4, 5)
        Window window = new Window(List.of(3L), List.of(2L), List.of(1L), List.of(1L));
        backend.pooling().maximum(window, x, y, indices);
        assertThat(y.toDoubleArray()).containsExactly(3, Double.NaN, 2);
        assertThat(indices.toLongArray()).containsExactly(0, 2, 4);

        // windows over (0, 1), (1, 2, 3) and (3, 4)
        backend.pooling().adaptiveMaximum(x, y, indices);
        assertThat(indices.toLongArray()).containsExactly(0, 2, 4);

        Tensor columns = tensor(DType.FLOAT64, Shape.of(2, 1, 3), 1, 2, 3, 4, 5, 6);
        Tensor places = integers(Shape.of(1, 1, 3), 1, 1, 0);
        Tensor scattered = scope.allocate(Shape.of(2, 1, 2), DType.FLOAT64);
        backend.pooling().scatter(places, columns, scattered);
        assertThat(scattered.toDoubleArray()).containsExactly(3, 3, 6, 9);
        backend.pooling().gather(scattered, places, columns);
        assertThat(columns.toDoubleArray()).containsExactly(3, 3, 3, 9, 9, 6);

        Tensor averages = tensor(DType.FLOAT64, Shape.of(1, 2), 0.5, 0.5);
        Tensor averaged = scope.allocate(Shape.of(2, 1, 1), DType.FLOAT64);
        backend.pooling().resample(List.of(averages), false, scattered, averaged);
        assertThat(averaged.toDoubleArray()).containsExactly(3, 7.5);
        backend.pooling().resample(List.of(averages), true, averaged, scattered);
        assertThat(scattered.toDoubleArray()).containsExactly(1.5, 1.5, 3.75, 3.75);
    }

    private Tensor tensor(DType dtype, Shape shape, double... values) {
        return backend.upload(scope, shape, dtype, values);
    }

    private Tensor integers(Shape shape, long... values) {
        Tensor tensor = scope.allocate(shape, DType.INT64);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }
}
