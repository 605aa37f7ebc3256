// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/** Histograms of products and of tiles are those of the tiles' numbers, count by count. */
class HistogramsTest extends VariantTest {

    /** B, C, M, S, K. With one position tiles are not made; the last two are large enough for a call per tile. */
    private static final int[][] SIZES = {
        {1, 1, 1, 1, 1},
        {6, 2, 3, 1, 5},
        {6, 3, 40, 1, 30},
        {4, 4, 30, 1, 300},
        {4, 2, 3, 4, 5},
        {0, 1, 2, 1, 3},
        {4, 2, 70, 9, 130},
        {2, 2, 100, 1, 120},
        {2, 1, 3, 1, 2100},
        {2, 2, 600, 1, 400},
    };

    private static double bin(double x, double low, double high, int bins) {
        int reached = 0;
        for (int i = 1; i < bins; i++) {
            reached += x >= (low * (bins - i) + high * i) / bins ? 1 : 0;
        }
        return Double.isNaN(x) ? bins : reached;
    }

    private static Tensor upload(TensorScope scope, Variant variant, Shape shape, double... values) {
        double[] rounded = values.clone();
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = variant.round(values[i]);
        }
        Tensor tensor = scope.allocate(shape, variant.dtype());
        tensor.write(0, rounded, 0, rounded.length);
        return tensor;
    }

    private static double[] factors(Random random, long count, boolean odd) {
        double[] values = new double[(int) count];
        for (int i = 0; i < values.length; i++) {
            // As behind a ReLU: zeros of both signs, among numbers of very different sizes.
            int kind = random.nextInt(6);
            values[i] =
                    kind == 0 ? 0.0 : kind == 1 ? -0.0 : random.nextGaussian() * Math.pow(10, random.nextInt(4) - 3);
        }
        if (odd && count > 0) {
            values[random.nextInt(values.length)] = Double.NaN;
            values[random.nextInt(values.length)] = Double.POSITIVE_INFINITY;
        }
        return values;
    }

    @EachVariant
    void countsOfProductsAreThoseOfTheirTiles(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(60);
        for (int[] sizes : SIZES) {
            for (boolean odd : new boolean[] {false, true}) {
                Shape left = Shape.of(sizes[0], 1, sizes[3], sizes[2]);
                Shape right = Shape.of(sizes[1], 1, sizes[3], sizes[4]);
                try (TensorScope scope = backend.openScope()) {
                    var product = new PerSampleProduct(
                            upload(scope, variant, left, factors(random, left.elements(), odd)),
                            true,
                            upload(scope, variant, right, factors(random, right.elements(), odd)),
                            false);
                    Tensor tiles = scope.allocate(product.tile().prepend(sizes[0]), variant.dtype());
                    backend.contractions().contract(product, List.of(new TileConsumer.Copy(tiles)));
                    for (int bins : new int[] {1, 2, 9, 64}) {
                        for (double high : new double[] {1e-4, 0.1, 50}) {
                            double low = random.nextBoolean() ? -high : 0.25 * high;
                            compare(scope, backend, variant, product, tiles, bins, low, high, 0.3);
                        }
                    }
                }
            }
        }
    }

    /** Whole numbers, whose products lie on edges, and a few so small that products of theirs are rounded to zero. */
    private static double[] wholeFactors(Random random, long count) {
        return random.ints(count, -3, 4)
                .mapToDouble(value -> random.nextInt(8) == 0 ? value * 1e-170 : value)
                .map(value -> random.nextInt(8) == 0 ? value * 1e-30 : value)
                .toArray();
    }

    @EachVariant
    void productsOnEdgesBelongToTheBinAbove(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(62);
        for (int[] sizes : SIZES) {
            try (TensorScope scope = backend.openScope()) {
                Shape left = Shape.of(sizes[0], 1, sizes[3], sizes[2]);
                Shape right = Shape.of(sizes[1], 1, sizes[3], sizes[4]);
                var product = new PerSampleProduct(
                        upload(scope, variant, left, wholeFactors(random, left.elements())),
                        true,
                        upload(scope, variant, right, wholeFactors(random, right.elements())),
                        false);
                Tensor tiles = scope.allocate(product.tile().prepend(sizes[0]), variant.dtype());
                backend.contractions().contract(product, List.of(new TileConsumer.Copy(tiles)));
                compare(scope, backend, variant, product, tiles, 16, -8, 8, 1);
                compare(scope, backend, variant, product, tiles, 16, -2, 2, 4);
                compare(scope, backend, variant, product, tiles, 7, 1, 8, 1);
                compare(scope, backend, variant, product, tiles, 7, -8, -1, 1);
                compare(scope, backend, variant, product, tiles, 5, Double.NaN, 1, 1);
                compare(scope, backend, variant, product, tiles, 64, -1e-40, 1e-40, 1e-10);
            }
        }
    }

    private static void compare(
            TensorScope scope,
            Backend backend,
            Variant variant,
            PerSampleProduct product,
            Tensor tiles,
            int bins,
            double low,
            double high,
            double factor) {
        Tensor range = upload(scope, variant, Shape.of(2), low, high);
        Tensor ranges = upload(scope, variant, Shape.of(2, 2), low, high, -1, 1);
        double[] values =
                new Random(bins).doubles(product.tile().elements(), -2, 2).toArray();
        Tensor valuesOfTiles = upload(scope, variant, product.tile(), values);
        Tensor counts = zeros(scope, backend, Shape.of(bins + 1));
        Tensor ofTiles = zeros(scope, backend, Shape.of(bins + 1));
        Tensor pairs = zeros(scope, backend, Shape.of(bins + 1, 4));
        var histogram = new TileConsumer.Histogram(counts, range, factor);
        backend.contractions().contract(product, List.of(histogram));
        backend.contractions()
                .contract(
                        product,
                        List.of(
                                histogram,
                                new TileConsumer.Copy(tiles),
                                new TileConsumer.JointHistogram(pairs, ranges, factor, valuesOfTiles)));
        backend.contractions()
                .consume(tiles, 0, product.batch(), List.of(new TileConsumer.Histogram(ofTiles, range, factor)));
        double[] numbers = tiles.toDoubleArray();
        double[] edges = ranges.toDoubleArray();
        double[] rounded = valuesOfTiles.toDoubleArray();
        long[] expected = new long[bins + 1];
        long[] twice = new long[bins + 1];
        long[] expectedPairs = new long[(bins + 1) * 4];
        for (int i = 0; i < numbers.length; i++) {
            int bin = (int) bin(numbers[i], edges[0] * factor, edges[1] * factor, bins);
            expected[bin]++;
            twice[bin] += 2;
            expectedPairs[bin * 4 + (int) bin(rounded[i % rounded.length], edges[2], edges[3], 3)]++;
        }
        String what = "%s, %d bins from %s to %s, seed %d".formatted(product.tile(), bins, low, high, Variant.seed());
        assertThat(ofTiles.toLongArray()).as("tiles, %s", what).containsExactly(expected);
        assertThat(counts.toLongArray()).as("product, %s", what).containsExactly(twice);
        assertThat(pairs.toLongArray()).as("pairs, %s", what).containsExactly(expectedPairs);
    }

    /** N, C, height and width, O, K: with and without numbers that only fill up a kernel's tile. */
    private static final int[][] CONVOLUTIONS = {
        {3, 3, 9, 9, 20, 3}, {2, 16, 6, 6, 64, 3}, {2, 5, 3, 4, 3, 2}, {1, 3, 12, 12, 64, 5},
    };

    @EachVariant
    void countsOfConvolutionsAreThoseOfTheirTiles(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(63);
        for (int[] sizes : CONVOLUTIONS) {
            long kernel = sizes[5];
            Window window = new Window(List.of(kernel, kernel), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
            Shape in = Shape.of(sizes[0], sizes[1], sizes[2], sizes[3]);
            Shape out = Shape.of(sizes[0], sizes[4], sizes[2] + 3 - kernel, sizes[3] + 3 - kernel);
            Shape weight = Shape.of(sizes[4], sizes[1], kernel, kernel);
            for (double scale : new double[] {1e-3, 1}) {
                try (TensorScope scope = backend.openScope()) {
                    DoubleUnaryOperator scaled = value -> scale * value;
                    double[] inputs = Arrays.stream(factors(random, in.elements(), false))
                            .map(scaled)
                            .toArray();
                    var product = new PerSampleConvolution(
                            window,
                            upload(scope, variant, out, factors(random, out.elements(), false)),
                            upload(scope, variant, in, inputs),
                            weight);
                    for (double low : new double[] {-0.5, 0.25, -2}) {
                        compareConvolution(scope, backend, variant, product, low);
                    }
                }
            }
        }
    }

    private static void compareConvolution(
            TensorScope scope, Backend backend, Variant variant, PerSampleConvolution product, double low) {
        int bins = 10;
        double[] values =
                new Random(bins).doubles(product.weight().elements(), -2, 2).toArray();
        Tensor ofWeight = upload(scope, variant, product.weight(), values);
        Tensor range = upload(scope, variant, Shape.of(2), low, 0.5);
        Tensor ranges = upload(scope, variant, Shape.of(2, 2), low, 0.5, -1, 1);
        Tensor counts = zeros(scope, backend, Shape.of(bins + 1));
        Tensor pairs = zeros(scope, backend, Shape.of(bins + 1, 4));
        Tensor tiles = scope.allocate(product.weight().prepend(product.batch()), variant.dtype());
        backend.convolutions()
                .contract(
                        product,
                        List.of(
                                new TileConsumer.Histogram(counts, range, 1),
                                new TileConsumer.Copy(tiles),
                                new TileConsumer.JointHistogram(pairs, ranges, 1, ofWeight)));
        double[] edges = ranges.toDoubleArray();
        double[] rounded = ofWeight.toDoubleArray();
        double[] numbers = tiles.toDoubleArray();
        long[] expected = new long[bins + 1];
        long[] expectedPairs = new long[(bins + 1) * 4];
        for (int i = 0; i < numbers.length; i++) {
            int bin = (int) bin(numbers[i], edges[0], edges[1], bins);
            expected[bin]++;
            expectedPairs[bin * 4 + (int) bin(rounded[i % rounded.length], edges[2], edges[3], 3)]++;
        }
        String what = "%s from %s, seed %d".formatted(product.weight(), low, Variant.seed());
        assertThat(counts.toLongArray()).as("elements, %s", what).containsExactly(expected);
        assertThat(pairs.toLongArray()).as("pairs, %s", what).containsExactly(expectedPairs);
    }

    /** Tiles whose numbers are next to zero, and some that are not: both ways to count are taken in turns. */
    @EachVariant
    void outliersAreCountedWhereverTheyAre(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(64);
        for (int count : new int[] {1, 700, 1024, 1025, 5000}) {
            for (int outliers : new int[] {0, 1, 3}) {
                for (double low : new double[] {-1, 0, -0.3, 0.5}) {
                    double[] values = random.doubles(count, -1e-3, 1e-3).toArray();
                    for (int i = 0; i < outliers; i++) {
                        double[] odd = {random.nextGaussian(), Double.NaN, Double.NEGATIVE_INFINITY, -0.0, 1e30};
                        values[random.nextInt(count)] = odd[random.nextInt(odd.length)];
                    }
                    compareElements(backend, variant, values, low);
                }
            }
        }
    }

    private static void compareElements(Backend backend, Variant variant, double[] values, double low) {
        int bins = 40;
        try (TensorScope scope = backend.openScope()) {
            Tensor elements = upload(scope, variant, Shape.of(values.length), values);
            Tensor range = upload(scope, variant, Shape.of(2), low, 1);
            Tensor counts = zeros(scope, backend, Shape.of(bins + 1));
            backend.reductions().addHistogram(elements, range, 1, counts);
            double[] edges = range.toDoubleArray();
            long[] expected = new long[bins + 1];
            for (double value : elements.toDoubleArray()) {
                expected[(int) bin(value, edges[0], edges[1], bins)]++;
            }
            assertThat(counts.toLongArray())
                    .as("%d from %s, seed %d", values.length, low, Variant.seed())
                    .containsExactly(expected);
        }
    }

    private static Tensor zeros(TensorScope scope, Backend backend, Shape shape) {
        Tensor tensor = scope.allocate(shape, DType.INT64);
        backend.elementwise().fill(tensor, 0);
        return tensor;
    }

    @EachVariant
    void zeroIsAnEdgeInTheMiddleOfAnySymmetricRange(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(61);
        try (TensorScope scope = backend.openScope()) {
            Tensor zero = upload(scope, variant, Shape.of(2), 0, -0.0);
            for (int i = 0; i < 2000; i++) {
                double high = random.nextDouble() * 3;
                int bins = 2 * (1 + random.nextInt(60));
                Tensor counts = zeros(scope, backend, Shape.of(bins + 1));
                Tensor range = upload(scope, variant, Shape.of(2), -high, high);
                backend.reductions().addHistogram(zero, range, random.nextDouble(), counts);
                assertThat(counts.toLongArray()[bins / 2]).isEqualTo(2);
                counts.close();
                range.close();
            }
        }
    }
}
