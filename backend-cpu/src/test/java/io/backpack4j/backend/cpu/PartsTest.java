// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.AdamStep;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.backend.MomentumStep;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Loops over as much as is cut into parts: the same as by brute force, and bit by bit so whoever took which part. */
class PartsTest {

    private static final int LARGE = 700_001;
    private static final AdamStep ADAM = new AdamStep(0.9, 0.99, 0.01, 1.3, 1e-8);
    private static final MomentumStep MOMENTUM = new MomentumStep(1, 0.1, 0.9, 0.8, 0.01, -0.3);
    private static final List<String> KERNELS = List.of("nd4j", "onednn");

    private static Backend open(String kernels, int threads) {
        return new CpuBackendProvider().open(new BackendConfiguration(threads, Map.of("kernels", kernels)));
    }

    private static double[] numbers(DType dtype, int count, int salt) {
        Random random = Variant.random(salt);
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            double number = random.nextInt(5) == 0 ? 0 : random.nextGaussian();
            numbers[i] = dtype == DType.FLOAT32 ? (float) number : number;
        }
        return numbers;
    }

    private static Tensor tensor(TensorScope scope, DType dtype, double[] numbers, long... sizes) {
        Tensor tensor = scope.allocate(Shape.of(sizes), dtype);
        tensor.write(0, numbers, 0, numbers.length);
        return tensor;
    }

    /** Results with one thread and twice with two and with three; the latter are the same bits. */
    private static double[][] results(Function<Backend, double[]> operation, String kernels) {
        double[][] results = new double[3][];
        for (int threads = 1; threads <= 3; threads++) {
            try (Backend backend = open(kernels, threads)) {
                results[threads - 1] = operation.apply(backend);
                for (int again = 0; again < 3; again++) {
                    assertThat(operation.apply(backend)).isEqualTo(results[threads - 1]);
                }
            }
        }
        return results;
    }

    private static void requireEverywhere(double[] expected, double tolerance, Function<Backend, double[]> operation) {
        for (String kernels : KERNELS) {
            for (double[] result : results(operation, kernels)) {
                assertThat(result).hasSameSizeAs(expected);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(result[i])
                            .isCloseTo(expected[i], within(tolerance * Math.max(1, Math.abs(expected[i]))));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void innerProductsAndSums(DType dtype) {
        double[] a = numbers(dtype, LARGE, 1);
        double[] b = numbers(dtype, LARGE, 2);
        double dot = 0;
        double sum = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < LARGE; i++) {
            dot += a[i] * b[i];
            sum += a[i];
            least = Math.min(least, a[i]);
        }
        double rounding = dtype == DType.FLOAT32 ? 1e-7 : 1e-12;
        requireEverywhere(new double[] {dot, sum, least}, rounding, backend -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor left = tensor(scope, dtype, a, 1, LARGE);
                Tensor to = scope.allocate(Shape.of(1), dtype);
                double[] result = new double[3];
                backend.contractions().rowDots(left, tensor(scope, dtype, b, 1, LARGE), to);
                result[0] = to.item();
                backend.reductions().total(left, scope.view(to, Shape.of()));
                result[1] = to.item();
                backend.reductions().reduce(Reduction.MINIMUM, left, 1, 2, to);
                result[2] = to.item();
                return result;
            }
        });
    }

    /** Two long differences and a short one between them, the first in the place of an operand. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void differences(DType dtype) {
        int[] lengths = {LARGE, 10, 200_000};
        double[][] to = new double[3][];
        double[][] from = new double[3][];
        double[][] along = new double[3][];
        double[] expected = new double[6 + LARGE];
        for (int i = 0; i < lengths.length; i++) {
            to[i] = numbers(dtype, lengths[i], 20 + i);
            from[i] = numbers(dtype, lengths[i], 23 + i);
            along[i] = numbers(dtype, lengths[i], 26 + i);
            for (int j = 0; j < lengths[i]; j++) {
                double difference = to[i][j] - from[i][j];
                double rounded = dtype == DType.FLOAT32 ? (float) difference : difference;
                expected[2 * i] += rounded * rounded;
                expected[2 * i + 1] += rounded * along[i][j];
                if (i == 0) {
                    expected[6 + j] = rounded;
                }
            }
        }
        requireEverywhere(expected, dtype == DType.FLOAT32 ? 1e-7 : 1e-12, backend -> {
            try (TensorScope scope = backend.openScope()) {
                List<Difference> differences = new ArrayList<>();
                for (int i = 0; i < lengths.length; i++) {
                    Tensor subtrahend = tensor(scope, dtype, from[i], lengths[i]);
                    differences.add(new Difference(
                            tensor(scope, dtype, to[i], lengths[i]),
                            subtrahend,
                            i == 0 ? subtrahend : null,
                            tensor(scope, dtype, along[i], lengths[i])));
                }
                Tensor sums = scope.allocate(Shape.of(3, 2), dtype);
                backend.reductions().measure(differences, sums);
                double[] result = Arrays.copyOf(sums.toDoubleArray(), expected.length);
                Objects.requireNonNull(differences.get(0).destination()).read(0, result, 6, LARGE);
                return result;
            }
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void manyRows(DType dtype) {
        for (int length : new int[] {100, 1500}) {
            int rows = LARGE / length;
            double[] a = numbers(dtype, rows * length, 3);
            double[] b = numbers(dtype, length, 4);
            double[] expected = new double[2 * rows];
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < length; i++) {
                    expected[row] += a[row * length + i] * b[i];
                    expected[rows + row] =
                            Math.max(i == 0 ? a[row * length] : expected[rows + row], a[row * length + i]);
                }
            }
            requireEverywhere(expected, dtype == DType.FLOAT32 ? 1e-7 : 1e-12, backend -> {
                try (TensorScope scope = backend.openScope()) {
                    Tensor left = tensor(scope, dtype, a, rows, length);
                    Tensor to = scope.allocate(Shape.of(2, rows), dtype);
                    Tensor flat = scope.view(to, Shape.of(2 * rows));
                    backend.contractions().rowDots(left, tensor(scope, dtype, b, 1, length), scope.rows(flat, 0, rows));
                    backend.reductions().reduce(Reduction.MAXIMUM, left, 1, 2, scope.rows(flat, rows, 2 * rows));
                    return flat.toDoubleArray();
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void elementsInBins(DType dtype) {
        int tile = 200_003;
        double[] a = numbers(dtype, 3 * tile, 5);
        a[17] = Double.NaN;
        a[3 * tile - 1] = 1e10;
        double[] values = numbers(dtype, tile, 6);
        Bins bins = new Bins(20, -1, 1, 0.5);
        Bins ofValues = new Bins(7, -2, 2, 1);
        double[] expected = new double[21 + 21 * 8];
        for (int i = 0; i < a.length; i++) {
            expected[bins.of(a[i])]++;
            expected[21 + bins.of(a[i]) * 8 + ofValues.of(values[i % tile])]++;
        }
        requireEverywhere(expected, 0, backend -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor x = tensor(scope, dtype, a, 3, tile);
                Tensor counts = scope.allocate(Shape.of(21), DType.INT64);
                Tensor joint = scope.allocate(Shape.of(21, 8), DType.INT64);
                counts.write(0, new long[21], 0, 21);
                joint.write(0, new long[21 * 8], 0, 21 * 8);
                Tensor range = tensor(scope, dtype, new double[] {-1, 1}, 2);
                Tensor ranges = tensor(scope, dtype, new double[] {-1, 1, -2, 2}, 4);
                backend.reductions().addHistogram(x, range, 0.5, counts);
                backend.reductions().addJointHistogram(x, tensor(scope, dtype, values, tile), ranges, 0.5, joint);
                return concatenated(counts, joint);
            }
        });
    }

    private static double[] concatenated(Tensor... counts) {
        return Arrays.stream(counts)
                .flatMapToLong(tensor -> Arrays.stream(tensor.toLongArray()))
                .asDoubleStream()
                .toArray();
    }

    /** Outer products: histograms of one and two dimensions, extremes and centred squares. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void outerProducts(DType dtype) {
        int samples = 600;
        int rows = 130;
        int columns = 110;
        double[] left = numbers(dtype, samples * rows, 7);
        double[] right = numbers(dtype, samples * columns, 8);
        double[] values = numbers(dtype, rows * columns, 9);
        double[] center = numbers(dtype, rows * columns, 10);
        Bins bins = new Bins(10, -1, 1, 0.5);
        Bins ofValues = new Bins(5, -2, 2, 1);
        double[] counted = new double[11 + 11 * 6];
        double[] squares = new double[rows * columns];
        for (int n = 0; n < samples; n++) {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    double product = left[n * rows + i] * right[n * columns + j];
                    double rounded = dtype == DType.FLOAT32 ? (float) product : product;
                    int place = i * columns + j;
                    counted[bins.of(rounded)]++;
                    counted[11 + bins.of(rounded) * 6 + ofValues.of(values[place])]++;
                    squares[place] += (product - center[place]) * (product - center[place]);
                }
            }
        }
        requireEverywhere(counted, 0, backend -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor counts = scope.allocate(Shape.of(11), DType.INT64);
                Tensor joint = scope.allocate(Shape.of(11, 6), DType.INT64);
                counts.write(0, new long[11], 0, 11);
                joint.write(0, new long[66], 0, 66);
                backend.contractions()
                        .contract(
                                product(scope, dtype, left, right, samples, rows, columns),
                                List.of(
                                        new TileConsumer.Histogram(
                                                counts, tensor(scope, dtype, new double[] {-1, 1}, 2), 0.5),
                                        new TileConsumer.JointHistogram(
                                                joint,
                                                tensor(scope, dtype, new double[] {-1, 1, -2, 2}, 4),
                                                0.5,
                                                tensor(scope, dtype, values, rows, columns))));
                return concatenated(counts, joint);
            }
        });
        requireEverywhere(squares, dtype == DType.FLOAT32 ? 1e-5 : 1e-12, backend -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor sums = tensor(scope, dtype, new double[rows * columns], rows, columns);
                backend.contractions()
                        .contract(
                                product(scope, dtype, left, right, samples, rows, columns),
                                List.of(new TileConsumer.SumOfSquares(
                                        sums, tensor(scope, dtype, center, rows, columns), null)));
                return sums.toDoubleArray();
            }
        });
    }

    private static PerSampleProduct product(
            TensorScope scope, DType dtype, double[] left, double[] right, int samples, int rows, int columns) {
        return new PerSampleProduct(
                tensor(scope, dtype, left, samples, 1, 1, rows),
                true,
                tensor(scope, dtype, right, samples, 1, 1, columns),
                false);
    }

    /**
     * Weight gradients of a convolution whose cotangents come from a pooling, and what every kind of consumer makes of
     * them. All numbers are small whole ones, so that counts and most sums are exact.
     */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void convolutionTiles(DType dtype) {
        var tiles = new Tiles();
        requireEverywhere(tiles.expected(), 1e-6, backend -> tiles.consumed(backend, dtype));
    }

    private static double[] wholeNumbers(int count, int salt) {
        return Variant.random(salt).ints(count, -2, 3).asDoubleStream().toArray();
    }

    /** Two columns of samples that no number of threads divides. */
    private static final class Tiles {

        static final int SAMPLES = 70;
        static final int BATCH = 2 * SAMPLES;
        static final int IN = 8;
        static final int OUT = 16;
        static final int SIDE = 12;
        static final int POOLED = SIDE / 2;
        static final int KERNEL = 3;
        static final int TILE = OUT * IN * KERNEL * KERNEL;
        static final int BINS = 41;

        final double[] inputs = wholeNumbers(SAMPLES * IN * SIDE * SIDE, 30);
        final double[] cotangents = wholeNumbers(BATCH * OUT * POOLED * POOLED, 31);
        final double[] vectors = wholeNumbers(2 * TILE, 32);
        final double[] weights = wholeNumbers(BATCH, 33);
        final double[] center = wholeNumbers(TILE, 34);
        /** No two are equal. */
        final double[] activations = new double[SAMPLES * OUT * SIDE * SIDE];

        Tiles() {
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < activations.length; i++) {
                order.add(i);
            }
            Collections.shuffle(order, Variant.random(35));
            Arrays.setAll(activations, order::get);
        }

        private double[] scattered() {
            double[] planes = new double[BATCH * OUT * SIDE * SIDE];
            for (int b = 0; b < BATCH; b++) {
                for (int o = 0; o < OUT; o++) {
                    int plane = (b % SAMPLES * OUT + o) * SIDE * SIDE;
                    for (int t = 0; t < POOLED * POOLED; t++) {
                        int corner = t / POOLED * 2 * SIDE + t % POOLED * 2;
                        int best = corner;
                        for (int place : new int[] {corner + 1, corner + SIDE, corner + SIDE + 1}) {
                            best = activations[plane + place] > activations[plane + best] ? place : best;
                        }
                        planes[(b * OUT + o) * SIDE * SIDE + best] = cotangents[(b * OUT + o) * POOLED * POOLED + t];
                    }
                }
            }
            return planes;
        }

        private double[][] tiles() {
            double[] outputs = scattered();
            double[][] tiles = new double[BATCH][TILE];
            for (int b = 0; b < BATCH; b++) {
                for (int o = 0; o < OUT; o++) {
                    for (int t = 0; t < SIDE * SIDE; t++) {
                        double cotangent = outputs[(b * OUT + o) * SIDE * SIDE + t];
                        for (int element = 0; cotangent != 0 && element < IN * KERNEL * KERNEL; element++) {
                            int c = element / (KERNEL * KERNEL);
                            int y = t / SIDE + element / KERNEL % KERNEL - 1;
                            int x = t % SIDE + element % KERNEL - 1;
                            if (y >= 0 && y < SIDE && x >= 0 && x < SIDE) {
                                tiles[b][o * IN * KERNEL * KERNEL + element] +=
                                        cotangent * inputs[((b % SAMPLES * IN + c) * SIDE + y) * SIDE + x];
                            }
                        }
                    }
                }
            }
            return tiles;
        }

        double[] expected() {
            double[][] tiles = tiles();
            Bins bins = new Bins(BINS, -BINS / 2.0, BINS / 2.0, 1);
            double[] sums = new double[2 * TILE];
            double[] squares = new double[2 * TILE];
            double[] perSample = new double[SAMPLES * TILE];
            double[] weighted = new double[TILE];
            double[] extremes = {-1, -1, -1};
            double[] norms = new double[BATCH];
            double[] dots = new double[2 * BATCH];
            double[] counts = new double[BINS + 1];
            double[] copies = new double[BATCH * TILE];
            for (int b = 0; b < BATCH; b++) {
                for (int i = 0; i < TILE; i++) {
                    double x = tiles[b][i];
                    sums[b / SAMPLES * TILE + i] += x;
                    squares[i] += x * x;
                    squares[TILE + i] += weights[b] * (x - center[i]) * (x - center[i]);
                    perSample[b % SAMPLES * TILE + i] += x * x;
                    weighted[i] += weights[b] * x;
                    extremes[0] = Math.max(extremes[0], -x);
                    extremes[1] = Math.max(extremes[1], x);
                    extremes[2] = Math.max(extremes[2], Math.abs(x));
                    norms[b] += x * x;
                    dots[b] += x * vectors[i];
                    dots[BATCH + b] += x * vectors[TILE + i];
                    counts[bins.of(x)]++;
                    copies[b * TILE + i] = x;
                }
            }
            double[] dotsWithSum = new double[2 * BATCH];
            for (int b = 0; b < BATCH; b++) {
                for (int i = 0; i < TILE; i++) {
                    dotsWithSum[b] += tiles[b][i] * sums[b / SAMPLES * TILE + i];
                    dotsWithSum[BATCH + b] += tiles[b][i] * (sums[i] + sums[TILE + i]);
                }
            }
            return Arrays.stream(new double[][] {
                        sums, squares, perSample, weighted, extremes, norms, dots, copies, dotsWithSum, counts
                    })
                    .flatMapToDouble(Arrays::stream)
                    .toArray();
        }

        double[] consumed(Backend backend, DType dtype) {
            Window pooling = new Window(List.of(2L, 2L), List.of(2L, 2L), List.of(0L, 0L), List.of(1L, 1L));
            Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
            try (TensorScope scope = backend.openScope()) {
                Shape pooled = Shape.of(SAMPLES, OUT, POOLED, POOLED);
                Tensor indices = scope.allocate(pooled, DType.INT64);
                backend.pooling()
                        .maximum(
                                pooling,
                                tensor(scope, dtype, activations, SAMPLES, OUT, SIDE, SIDE),
                                scope.allocate(pooled, dtype),
                                indices);
                Tensor outputs = scope.allocate(Shape.of(BATCH, OUT, SIDE, SIDE), dtype);
                backend.pooling()
                        .scatter(indices, tensor(scope, dtype, cotangents, BATCH, OUT, POOLED, POOLED), outputs);
                Shape weight = Shape.of(OUT, IN, KERNEL, KERNEL);
                Tensor ofBins = tensor(scope, dtype, new double[] {-BINS / 2.0, BINS / 2.0}, 2);
                Tensor counts = scope.allocate(Shape.of(BINS + 1), DType.INT64);
                counts.write(0, new long[BINS + 1], 0, BINS + 1);
                Function<Shape, Tensor> zeros =
                        shape -> tensor(scope, dtype, new double[(int) shape.elements()], shape.toArray());
                List<TileConsumer> consumers = List.of(
                        new TileConsumer.Sum(zeros.apply(weight.prepend(2))),
                        new TileConsumer.SumOfSquares(zeros.apply(weight), null, null),
                        new TileConsumer.SumOfSquares(
                                zeros.apply(weight),
                                tensor(scope, dtype, center, weight.toArray()),
                                tensor(scope, dtype, weights, BATCH)),
                        new TileConsumer.SumOfSquaresPerSample(zeros.apply(weight.prepend(SAMPLES))),
                        new TileConsumer.WeightedSum(
                                tensor(scope, dtype, weights, 1, BATCH), zeros.apply(weight.prepend(1))),
                        new TileConsumer.Extremes(tensor(scope, dtype, new double[] {-1, -1, -1}, 3)),
                        new TileConsumer.SquaredNorms(zeros.apply(Shape.of(BATCH))),
                        new TileConsumer.Dot(
                                tensor(scope, dtype, vectors, 2, OUT, IN, KERNEL, KERNEL),
                                zeros.apply(Shape.of(2, BATCH))),
                        new TileConsumer.Copy(zeros.apply(weight.prepend(BATCH))),
                        new TileConsumer.DotWithSum(
                                zeros.apply(weight.prepend(BATCH)), zeros.apply(Shape.of(2, SAMPLES))),
                        new TileConsumer.DotWithSum(
                                zeros.apply(weight.prepend(BATCH)), zeros.apply(Shape.of(1, BATCH))),
                        new TileConsumer.Histogram(counts, ofBins, 1));
                backend.convolutions()
                        .contract(
                                new PerSampleConvolution(
                                        window, outputs, tensor(scope, dtype, inputs, SAMPLES, IN, SIDE, SIDE), weight),
                                consumers);
                return consumers.stream()
                        .flatMapToDouble(consumer -> consumer.destination().dtype() == DType.INT64
                                ? Arrays.stream(consumer.destination().toLongArray())
                                        .asDoubleStream()
                                : Arrays.stream(consumer.destination().toDoubleArray()))
                        .toArray();
            }
        }
    }

    /** Every element's own: the same bits with however many threads. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void updates(DType dtype) {
        double[] gradients = numbers(dtype, LARGE, 11);
        double[] means = numbers(dtype, LARGE, 12);
        double[] squares =
                Arrays.stream(numbers(dtype, LARGE, 13)).map(x -> x * x).toArray();
        double[] values = numbers(dtype, LARGE, 14);
        for (String kernels : KERNELS) {
            Function<Backend, double[]> updated = backend -> {
                try (TensorScope scope = backend.openScope()) {
                    Tensor gradient = tensor(scope, dtype, gradients, LARGE);
                    Tensor mean = tensor(scope, dtype, means, LARGE);
                    Tensor value = tensor(scope, dtype, values, LARGE);
                    backend.elementwise().adam(gradient, mean, tensor(scope, dtype, squares, LARGE), value, ADAM);
                    backend.elementwise().momentum(gradient, mean, value, MOMENTUM);
                    return value.toDoubleArray();
                }
            };
            double[][] results = results(updated, kernels);
            assertThat(results[1]).isEqualTo(results[0]);
            assertThat(results[2]).isEqualTo(results[0]);
        }
    }
}
