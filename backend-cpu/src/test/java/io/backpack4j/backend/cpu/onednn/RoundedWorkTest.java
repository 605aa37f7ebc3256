// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * {@link Precision#BF16_FAST} on operands that are numbers of bfloat16, which rounding leaves as they are: results are
 * those of the host in single precision. On others they are not, so that something was rounded. Only where the
 * processor multiplies bfloat16.
 */
class RoundedWorkTest {

    private interface Work {
        Tensor run(Backend backend, Operands operands);
    }

    /** Drawn operands, the same in the same order. */
    private record Operands(TensorScope scope, Random random, boolean cut) {

        Tensor next(long... sizes) {
            Shape shape = Shape.of(sizes);
            float[] numbers = TrialNumbers.numbers(random, shape.elements());
            float[] values = cut ? TrialNumbers.cut(numbers) : numbers;
            Tensor tensor = scope.allocate(shape, DType.FLOAT32);
            tensor.write(0, values, 0, values.length);
            return tensor;
        }
    }

    @BeforeEach
    void requireProcessor() {
        assumeTrue(Rounding.isFast(), "The processor does not multiply bfloat16.");
    }

    private static double[] made(Work work, String kernels, Precision precision, boolean cut) {
        try (Backend backend = Variant.open(kernels);
                TensorScope scope = backend.openScope()) {
            Operands operands = new Operands(scope, Variant.random(7), cut);
            return backend.in(precision, () -> work.run(backend, operands)).toDoubleArray();
        }
    }

    private static void check(Work work) {
        double[] expected = made(work, "nd4j", Precision.FULL, true);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        double[] cut = made(work, "onednn", Precision.BF16_FAST, true);
        assertThat(difference(cut, expected)).isLessThan(1e-5 * largest);
        double[] full = made(work, "onednn", Precision.FULL, false);
        double[] rounded = made(work, "onednn", Precision.BF16_FAST, false);
        assertThat(difference(rounded, full)).isBetween(1e-5 * largest, 1e-2 * largest);
    }

    private static double difference(double[] a, double[] b) {
        assertThat(a).hasSameSizeAs(b);
        return IntStream.range(0, a.length)
                .mapToDouble(i -> Math.abs(a[i] - b[i]))
                .max()
                .orElseThrow();
    }

    @Test
    void products() {
        for (boolean transposeA : List.of(false, true)) {
            for (boolean transposeB : List.of(false, true)) {
                check((backend, operands) -> {
                    Tensor a = transposeA ? operands.next(3, 70, 130) : operands.next(3, 130, 70);
                    Tensor b = transposeB ? operands.next(90, 70) : operands.next(70, 90);
                    Tensor to = operands.next(3, 130, 90);
                    Tensor shared = operands.scope().view(b, b.shape().prepend(1));
                    backend.products().multiply(a, transposeA, shared, transposeB, 0.5, 1, to);
                    return to;
                });
            }
        }
    }

    @Test
    void productsThatShareFactors() {
        check((backend, operands) -> {
            Tensor to = operands.next(2, 3, 66, 96);
            backend.products()
                    .multiply(operands.next(2, 3, 66, 64), false, operands.next(1, 3, 64, 96), false, 1, 0, to);
            return to;
        });
    }

    @Test
    void gramMatrices() {
        check((backend, operands) -> {
            Tensor to = operands.scope().allocate(Shape.of(1, 300, 300), DType.FLOAT32);
            backend.elementwise().fill(to, 0);
            backend.products().addGram(operands.next(1, 140, 300), 0.5, to);
            return to;
        });
    }

    @Test
    void tilesOfProducts() {
        check((backend, operands) -> {
            Tensor copies = operands.next(4, 1, 80, 128);
            Tensor squares = operands.next(1, 80, 128);
            var product = new PerSampleProduct(operands.next(4, 1, 33, 80), true, operands.next(2, 1, 33, 128), false);
            backend.contractions()
                    .contract(
                            product,
                            List.of(new TileConsumer.Copy(copies), new TileConsumer.SumOfSquares(squares, null, null)));
            backend.contractions().contract(product, List.of(new TileConsumer.SumOfSquares(squares, null, null)));
            return joined(operands, copies, squares);
        });
    }

    @Test
    void tilesOfConvolutions() {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
        // samples and columns that do not fit into a run of planes evenly
        check((backend, operands) -> {
            Tensor copies = operands.next(14, 48, 32, 3, 3);
            var product = new PerSampleConvolution(
                    window, operands.next(14, 48, 23, 23), operands.next(7, 32, 23, 23), Shape.of(48, 32, 3, 3));
            backend.convolutions().contract(product, List.of(new TileConsumer.Copy(copies)));
            return copies;
        });
    }

    @Test
    void transposedConvolutions() {
        Window window = new Window(List.of(3L, 3L), List.of(2L, 2L), List.of(1L, 1L), List.of(1L, 1L));
        check((backend, operands) -> {
            Tensor to = operands.next(14, 32, 45, 45);
            Tensor weight = operands.next(48, 32, 3, 3);
            backend.convolutions().convolveTransposed(window, operands.next(14, 48, 23, 23), weight, null, to);
            return to;
        });
    }

    private static Tensor joined(Operands operands, Tensor... tensors) {
        double[] all = Arrays.stream(tensors)
                .flatMapToDouble(tensor -> Arrays.stream(tensor.toDoubleArray()))
                .toArray();
        Tensor joined = operands.scope().allocate(Shape.of(all.length), DType.FLOAT32);
        joined.write(0, all, 0, all.length);
        return joined;
    }

    @Test
    void onlyWorkWithinIsRounded() {
        try (Backend backend = Variant.open("onednn");
                TensorScope scope = backend.openScope()) {
            Operands operands = new Operands(scope, Variant.random(8), false);
            Tensor a = operands.next(128, 128);
            Tensor b = operands.next(128, 128);
            Tensor to = operands.next(128, 128);
            double[] before = product(backend, a, b, to);
            double[] rounded = backend.in(Precision.BF16_FAST, () -> {
                assertThat(backend.<double[]>in(Precision.FULL, () -> product(backend, a, b, to)))
                        .isEqualTo(before);
                return product(backend, a, b, to);
            });
            assertThat(rounded).isNotEqualTo(before);
            try {
                backend.in(Precision.BF16_FAST, () -> {
                    throw new IllegalStateException("on the way");
                });
            } catch (IllegalStateException e) {
                assertThat(product(backend, a, b, to)).isEqualTo(before);
            }
        }
    }

    private static double[] product(Backend backend, Tensor a, Tensor b, Tensor to) {
        backend.products().multiply(a, false, b, false, 1, 0, to);
        return to.toDoubleArray();
    }
}
