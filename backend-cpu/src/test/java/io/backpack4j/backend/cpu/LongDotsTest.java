// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;

/**
 * Inner products of long rows, and sums of all elements, are those of double precision, whatever the type and the
 * size of numbers.
 */
class LongDotsTest extends VariantTest {

    private static final int[] LENGTHS = {8191, 8192, 8193, 30_011};

    private static double[] rounded(Variant variant, int length, IntToDoubleFunction values) {
        double[] numbers = new double[length];
        for (int i = 0; i < length; i++) {
            numbers[i] = variant.round(values.applyAsDouble(i));
        }
        return numbers;
    }

    private static Tensor upload(TensorScope scope, Variant variant, double[] values) {
        Tensor tensor = scope.allocate(Shape.of(1, values.length), variant.dtype());
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    private static void compare(Backend backend, Variant variant, double[] a, double[] b) {
        BigDecimal exact = BigDecimal.ZERO;
        double magnitudes = 0;
        for (int i = 0; i < a.length; i++) {
            exact = exact.add(new BigDecimal(a[i]).multiply(new BigDecimal(b[i])));
            magnitudes += Math.abs(a[i] * b[i]);
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor left = upload(scope, variant, a);
            Tensor right = upload(scope, variant, b);
            Tensor sum = scope.allocate(Shape.of(1), variant.dtype());
            backend.contractions().rowDots(left, right, sum);
            Tensor sums = scope.allocate(Shape.of(1, 2), variant.dtype());
            backend.reductions().measure(List.of(new Difference(left, null, null, right)), sums);
            // The result is rounded once to its type.
            double rounding = variant.dtype() == DType.FLOAT32 ? 0x1p-24 : 0x1p-53;
            double expected = exact.doubleValue();
            for (double result : new double[] {sum.item(), sums.toDoubleArray()[1]}) {
                assertThat(result)
                        .as("%d products, seed %d", a.length, Variant.seed())
                        .isCloseTo(
                                expected, within(1e-13 * magnitudes + rounding * Math.abs(expected) + Float.MIN_VALUE));
            }
        }
    }

    @EachVariant
    void longRowsAreAddedUpInDoublePrecision(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(80);
        for (int length : LENGTHS) {
            double[] a = rounded(variant, length, i -> random.nextGaussian());
            double[] b = rounded(variant, length, i -> random.nextGaussian());
            compare(backend, variant, a, b);
            compare(backend, variant, a, a);
        }
    }

    /** A large number in the beginning and its negative at the end: the rest is what single precision would lose. */
    @EachVariant
    void digitsThatCancelAreKept(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(81);
        int length = 20_000;
        double[] a = rounded(variant, length, i -> i == 7 ? 1e6 : i == 1024 * 19 + 7 ? -1e6 : random.nextGaussian());
        compare(backend, variant, a, rounded(variant, length, i -> 1));
    }

    /** Products beyond the range of single numbers, above and below. */
    @EachVariant
    void hugeAndTinyNumbersHaveExactSums(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(82);
        int length = 10_000;
        double[] huge = rounded(variant, length, i -> (i % 2 == 0 ? 1 : -1) * 1e20 * (1 + i / 2));
        compare(backend, variant, huge, rounded(variant, length, i -> 1e20 * (i < 2 ? 1 : 0) + 1e-20));
        double[] tiny = rounded(variant, length, i -> 1e-21 * (1 + random.nextDouble()));
        compare(backend, variant, tiny, tiny);
        compare(backend, variant, rounded(variant, length, i -> 0), tiny);
    }

    private static void compareTotal(Backend backend, Variant variant, double[] a) {
        BigDecimal exact = BigDecimal.ZERO;
        double magnitudes = 0;
        for (double number : a) {
            exact = exact.add(new BigDecimal(number));
            magnitudes += Math.abs(number);
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor sum = scope.allocate(Shape.of(), variant.dtype());
            backend.reductions().total(upload(scope, variant, a), sum);
            double rounding = variant.dtype() == DType.FLOAT32 ? 0x1p-24 : 0x1p-53;
            double expected = exact.doubleValue();
            assertThat(sum.item())
                    .as("%d numbers, seed %d", a.length, Variant.seed())
                    .isCloseTo(expected, within(1e-13 * magnitudes + rounding * Math.abs(expected) + Float.MIN_VALUE));
        }
    }

    @EachVariant
    void allElementsAreAddedUpInDoublePrecision(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(83);
        for (int length : LENGTHS) {
            compareTotal(backend, variant, rounded(variant, length, i -> random.nextGaussian()));
            compareTotal(backend, variant, rounded(variant, length, i -> i == 7 ? 1e6 : i == 5127 ? -1e6 : 1e-3 * i));
            compareTotal(backend, variant, rounded(variant, length, i -> (i % 2 == 0 ? 1e38 : -1e38)));
            compareTotal(backend, variant, rounded(variant, length, i -> i < 4 ? 3e38 : i < 8 ? -3e38 : 1));
            compareTotal(backend, variant, rounded(variant, length, i -> 1e-40 * random.nextDouble()));
        }
        assertThat(total(backend, variant, Double.POSITIVE_INFINITY)).isInfinite();
        assertThat(total(backend, variant, Double.NaN)).isNaN();
    }

    /** The sum of many ones and one other number. */
    private static double total(Backend backend, Variant variant, double other) {
        try (TensorScope scope = backend.openScope()) {
            double[] numbers = new double[10_000];
            Arrays.fill(numbers, 1);
            numbers[4321] = other;
            Tensor sum = scope.allocate(Shape.of(), variant.dtype());
            backend.reductions().total(upload(scope, variant, numbers), sum);
            return sum.item();
        }
    }
}
