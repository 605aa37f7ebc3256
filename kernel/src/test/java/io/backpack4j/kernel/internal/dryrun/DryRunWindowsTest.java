// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Convolutions, pooling and padding: wrong shapes are refused, scratch is counted and given back. */
class DryRunWindowsTest {

    private static final Window WINDOW = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));

    private final DryRunBackend backend = new DryRunBackend("test");
    private final TensorScope scope = backend.openScope();

    @AfterEach
    void nothingStaysOpen() {
        scope.close();
        assertThat(backend.memory().openTensors()).isZero();
    }

    private Tensor tensor(long... sizes) {
        return scope.allocate(Shape.of(sizes), DType.FLOAT32);
    }

    private Tensor indices(long... sizes) {
        return scope.allocate(Shape.of(sizes), DType.INT64);
    }

    private static void refused(Runnable use, String... parts) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class).hasMessageContainingAll(parts);
    }

    /** What an operation takes beyond its operands, in bytes. */
    private long scratch(Runnable operation) {
        backend.resetPeak();
        long before = backend.memory().usedBytes();
        operation.run();
        assertThat(backend.memory().usedBytes()).isEqualTo(before);
        return backend.memory().peakBytes() - before;
    }

    @Test
    void convolutionsAreChecked() {
        Tensor x = tensor(2, 4, 5, 5);
        Tensor y = tensor(2, 6, 5, 5);
        Tensor weight = tensor(6, 2, 3, 3);
        Tensor bias = tensor(6);
        var convolutions = backend.convolutions();
        long unfolded = 4L * 2 * 2 * 25 * 18;
        assertThat(scratch(() -> convolutions.convolve(WINDOW, x, weight, bias, y)))
                .isEqualTo(unfolded);
        assertThat(scratch(() -> convolutions.convolveTransposed(WINDOW, y, weight, null, x)))
                .isEqualTo(unfolded);

        refused(() -> convolutions.convolve(WINDOW, x, weight, tensor(4), y), "convolve", "one bias", "[4]");
        refused(() -> convolutions.convolve(WINDOW, x, tensor(6, 2, 3, 1), null, y), "[3, 3]", "[6, 2, 3, 1]");
        refused(() -> convolutions.convolve(WINDOW, x, tensor(6, 3, 3, 3), null, y), "groups", "[6, 3, 3, 3]");
        refused(() -> convolutions.convolve(WINDOW, x, weight, null, tensor(2, 5, 5, 5)), "channels");
        refused(() -> convolutions.convolve(WINDOW, x, weight, null, tensor(3, 6, 5, 5)), "equal batches");
        refused(() -> convolutions.convolve(WINDOW, tensor(2, 4, 5), weight, null, y), "2 spatial axes");
        refused(() -> convolutions.convolve(WINDOW, x, indices(6, 2, 3, 3), null, y), "one type");
        refused(() -> convolutions.convolveTransposed(WINDOW, y, weight, null, tensor(2, 5, 5, 5)), "groups");

        convolutions.unfold(WINDOW, x, List.of(5L, 5L), tensor(2, 2, 25, 18));
        convolutions.fold(WINDOW, tensor(2, 1, 25, 36), List.of(5L, 5L), x);
        refused(() -> convolutions.unfold(WINDOW, x, List.of(5L, 5L), tensor(2, 3, 25, 12)), "unfold", "[2, 3, 25");
        refused(() -> convolutions.fold(WINDOW, tensor(2, 2, 25, 9), List.of(5L, 5L), x), "fold", "[2, 2, 25, 18]");
    }

    @Test
    void contractionsOfConvolutionsAreChecked() {
        Tensor x = tensor(2, 4, 5, 5);
        Shape weight = Shape.of(6, 2, 3, 3);
        var product = new PerSampleConvolution(WINDOW, tensor(6, 6, 5, 5), x, weight);
        var convolutions = backend.convolutions();
        Tensor norms = tensor(6);
        Tensor perSample = scope.allocate(weight.prepend(6), DType.FLOAT32);

        assertThat(scratch(() -> convolutions.squaredNorms(product, norms)))
                .isEqualTo(4L * 2 * 2 * 25 * 18 + 4L * 2 * weight.elements());
        assertThat(scratch(() -> convolutions.contract(product, List.of(new TileConsumer.Copy(perSample)))))
                .isPositive();
        convolutions.sum(product, scope.rows(perSample, 0, 3));

        refused(() -> convolutions.squaredNorms(product, tensor(2)), "squaredNorms", "[6]", "[2]");
        refused(() -> convolutions.contract(product, List.of(new TileConsumer.Copy(norms))), "viewed");
        var uneven = new PerSampleConvolution(WINDOW, tensor(3, 6, 5, 5), x, weight);
        refused(() -> convolutions.contract(uneven, List.of()), "multiple", "[3, 6, 5, 5]", "[2, 4, 5, 5]");
    }

    @Test
    void runsOfLargeSamplesTakeOneSample() {
        Tensor x = tensor(8, 64, 128, 128);
        Tensor weight = tensor(1, 64, 3, 3);
        Tensor y = tensor(8, 1, 128, 128);
        assertThat(scratch(() -> backend.convolutions().convolve(WINDOW, x, weight, null, y)))
                .isEqualTo(4L * 128 * 128 * 64 * 9);
    }

    @Test
    void poolingIsChecked() {
        Tensor x = tensor(6, 4, 5, 5);
        Tensor y = tensor(6, 4, 5, 5);
        var pooling = backend.pooling();
        pooling.maximum(WINDOW, x, y, indices(6, 4, 5, 5));
        pooling.maximum(WINDOW, x, tensor(6, 4, 6, 5), indices(6, 4, 6, 5));
        pooling.adaptiveMaximum(x, tensor(6, 4, 2, 7), indices(6, 4, 2, 7));
        pooling.scatter(indices(2, 4, 3, 3), tensor(6, 4, 3, 3), x);
        pooling.gather(x, indices(3, 4, 3, 3), tensor(6, 4, 3, 3));

        refused(() -> pooling.maximum(WINDOW, x, tensor(6, 4, 7, 5), indices(6, 4, 7, 5)), "position 6 of axis 0");
        refused(() -> pooling.maximum(WINDOW, x, y, tensor(6, 4, 5, 5)), "maximum", "INT64");
        refused(() -> pooling.adaptiveMaximum(x, tensor(6, 3, 2, 2), indices(6, 3, 2, 2)), "[B, C, *]");
        refused(() -> pooling.scatter(indices(4, 4, 3, 3), tensor(6, 4, 3, 3), x), "scatter", "[4, 4, 3, 3]");
        refused(() -> pooling.gather(x, indices(2, 4, 3, 2), tensor(6, 4, 3, 3)), "gather", "[2, 4, 3, 2]");
    }

    @Test
    void resamplingAndPaddingAreChecked() {
        Tensor x = tensor(6, 4, 5, 5);
        Tensor y = tensor(6, 4, 3, 2);
        Tensor first = tensor(3, 5);
        Tensor second = tensor(2, 5);
        var pooling = backend.pooling();
        assertThat(scratch(() -> pooling.resample(List.of(first, second), false, x, y)))
                .isEqualTo(4L * 6 * 4 * 3 * 5);
        pooling.resample(List.of(first, second), true, y, x);
        pooling.resample(Arrays.asList(null, second), false, x, tensor(6, 4, 5, 2));
        refused(() -> pooling.resample(List.of(first, second), true, x, y), "[5, 3]", "[3, 5]");
        refused(() -> pooling.resample(Arrays.asList(null, second), false, x, y), "from size 5 to 3");
        refused(() -> pooling.resample(List.of(first), false, x, y), "one matrix per spatial axis");

        Region region = Region.all(Shape.of(2, 3)).with(1, 1, 2);
        backend.indexing().pad(tensor(2, 2), region, 0, tensor(2, 3));
        refused(() -> backend.indexing().pad(tensor(2, 3), region, 0, tensor(2, 3)), "pad", "[2, 2]");
        refused(() -> backend.indexing().pad(tensor(2, 2), region, 0, tensor(2, 2)), "pad", "outside");
    }
}
