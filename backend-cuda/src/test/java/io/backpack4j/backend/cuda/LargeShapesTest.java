// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Shapes that take several chunks, several steps of all threads, or sums of sums; and numbers that must be exact. */
@EmulationRequired
class LargeShapesTest {

    private final EmulatedCudaApi api = new EmulatedCudaApi(false);
    private final CudaBackend backend = EmulatedCuda.open(api);
    private final Random random = new Random(11);

    @AfterEach
    void close() {
        backend.close();
    }

    private Tensor upload(TensorScope scope, DType dtype, double[] values, long... sizes) {
        return backend.upload(scope, Shape.of(sizes), dtype, values);
    }

    private double[] numbers(long count) {
        return random.doubles(count, -1, 1).map(value -> (float) value).toArray();
    }

    private static double tolerance(DType dtype) {
        return dtype == DType.FLOAT32 ? 1e-5 : 1e-13;
    }

    private static void assertClose(Tensor actual, double[] expected) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        assertThat(actual.toDoubleArray()).containsExactly(expected, within(tolerance(actual.dtype()) * (1 + largest)));
    }

    @ParameterizedTest
    @CsvSource({"1, 100000, 1", "3, 16385, 1", "2, 65, 1", "1, 70000, 3", "2, 257, 300", "5, 64, 1"})
    void reductions(long before, long reduced, long behind) {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            for (Reduction reduction : Reduction.values()) {
                try (TensorScope scope = backend.openScope()) {
                    double[] values = numbers(before * reduced * behind);
                    Tensor x = upload(scope, dtype, values, before, reduced, behind);
                    Tensor out = scope.allocate(Shape.of(before, behind), dtype);
                    backend.reductions().reduce(reduction, x, 1, 2, out);
                    double[] expected = new double[(int) (before * behind)];
                    for (int i = 0; i < expected.length; i++) {
                        long a = i / behind;
                        long b = i % behind;
                        var column = java.util.stream.LongStream.range(0, reduced)
                                .mapToDouble(r -> values[(int) ((a * reduced + r) * behind + b)]);
                        expected[i] = switch (reduction) {
                            case SUM -> column.sum();
                            case MAXIMUM -> column.max().orElseThrow();
                            case MINIMUM -> column.min().orElseThrow();
                        };
                    }
                    assertClose(out, expected);
                }
            }
        }
    }

    @Test
    void extremaAreNanWhereAnElementIs() {
        try (TensorScope scope = backend.openScope()) {
            for (int place : new int[] {0, 1, 5000, 19_999}) {
                double[] values = numbers(20_000);
                values[place] = Double.NaN;
                Tensor out = scope.allocate(Shape.of(), DType.FLOAT32);
                backend.reductions().reduce(Reduction.MAXIMUM, upload(scope, DType.FLOAT32, values, 20_000), 0, 1, out);
                assertThat(out.item()).isNaN();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 40_000})
    void innerProductsOfRows(long elements) {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            try (TensorScope scope = backend.openScope()) {
                double[] a = numbers(3 * elements);
                double[] b = numbers(3 * elements);
                Tensor out = scope.allocate(Shape.of(3), dtype);
                backend.contractions()
                        .rowDots(upload(scope, dtype, a, 3, elements), upload(scope, dtype, b, 3, elements), out);
                double[] expected = new double[3];
                for (int i = 0; i < a.length; i++) {
                    expected[(int) (i / elements)] += a[i] * b[i];
                }
                assertClose(out, expected);
            }
        }
    }

    /** Many small tiles, cut into chunks; several sums at once, more than one kernel takes; runs that cross groups. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void sumsOfManyTiles(DType dtype) {
        int batch = 3000;
        int elements = 7;
        double[] values = numbers((long) batch * elements);
        double[] weights = numbers(batch);
        double[] center = numbers(elements);
        try (TensorScope scope = backend.openScope()) {
            Tensor tiles = upload(scope, dtype, values, batch, elements);
            Tensor sum = upload(scope, dtype, new double[elements], 1, elements);
            Tensor groups = upload(scope, dtype, new double[4 * elements], 4, elements);
            Tensor squares = upload(scope, dtype, new double[elements], elements);
            Tensor centred = upload(scope, dtype, new double[elements], elements);
            Tensor weighted = upload(scope, dtype, new double[elements], elements);
            Tensor more = upload(scope, dtype, new double[elements], elements);
            Tensor perSample = upload(scope, dtype, new double[50 * elements], 50, elements);
            Tensor w = upload(scope, dtype, weights, batch);
            Tensor c = upload(scope, dtype, center, elements);
            backend.contractions()
                    .consume(
                            tiles,
                            0,
                            batch,
                            List.of(
                                    new TileConsumer.Sum(sum),
                                    new TileConsumer.Sum(groups),
                                    new TileConsumer.SumOfSquares(squares, null, null),
                                    new TileConsumer.SumOfSquares(centred, c, null),
                                    new TileConsumer.SumOfSquares(weighted, c, w),
                                    new TileConsumer.SumOfSquares(more, null, w),
                                    new TileConsumer.SumOfSquaresPerSample(perSample, w)));
            double[][] expected = new double[7][];
            for (int i = 0; i < 7; i++) {
                expected[i] = new double[(i == 1 ? 4 : i == 6 ? 50 : 1) * elements];
            }
            for (int i = 0; i < values.length; i++) {
                int b = i / elements;
                int e = i % elements;
                double x = values[i];
                double distance = x - center[e];
                expected[0][e] += x;
                expected[1][b / (batch / 4) * elements + e] += x;
                expected[2][e] += x * x;
                expected[3][e] += distance * distance;
                expected[4][e] += weights[b] * distance * distance;
                expected[5][e] += weights[b] * x * x;
                expected[6][b % 50 * elements + e] += weights[b] * x * x;
            }
            List<Tensor> results = List.of(sum, groups, squares, centred, weighted, more, perSample);
            for (int i = 0; i < 7; i++) {
                assertClose(results.get(i), expected[i]);
            }
        }
        assertThat(api.log().stream().filter("consume_elements"::equals).count())
                .as("kernels for the run: one of four sums, one of the last, five for parts of the second sum")
                .isLessThanOrEqualTo(6);
    }

    @Test
    void repeatedRowsAddUpInTheirOrder() {
        try (TensorScope scope = backend.openScope()) {
            int rows = 5000;
            double[] values = numbers(rows * 3L);
            long[] indices = random.longs(rows, 0, 40).toArray();
            Tensor places = scope.allocate(Shape.of(rows), DType.INT64);
            places.write(0, indices, 0, rows);
            Tensor out = upload(scope, DType.FLOAT32, new double[120], 40, 3);
            backend.indexing().addRows(upload(scope, DType.FLOAT32, values, rows, 3), places, out);
            float[] expected = new float[120];
            for (int i = 0; i < values.length; i++) {
                expected[(int) indices[i / 3] * 3 + i % 3] += (float) values[i];
            }
            assertThat(out.toFloatArray()).containsExactly(expected);
        }
    }

    @Test
    void threadsTakeSeveralSteps() {
        int count = (1 << 24) + 1000;
        try (TensorScope scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(count), DType.FLOAT32);
            backend.elementwise().fill(x, 3);
            backend.elementwise().affine(x, 2, 1, x);
            float[] values = x.toFloatArray();
            for (float value : values) {
                if (value != 7) {
                    throw new AssertionError(value);
                }
            }
        }
    }

    @Test
    void blocksTakeSeveralSteps() {
        int planes = (1 << 16) + 10;
        try (TensorScope scope = backend.openScope()) {
            Tensor places = scope.allocate(Shape.of(1, 1, 2), DType.INT64);
            places.write(0, new long[] {1, 1}, 0, 2);
            Tensor source = scope.allocate(Shape.of(planes, 1, 2), DType.FLOAT32);
            backend.elementwise().fill(source, 2);
            Tensor out = scope.allocate(Shape.of(planes, 1, 3), DType.FLOAT32);
            backend.pooling().scatter(places, source, out);
            float[] values = out.toFloatArray();
            for (int i = 0; i < values.length; i++) {
                if (values[i] != (i % 3 == 1 ? 4 : 0)) {
                    throw new AssertionError(i + ": " + values[i]);
                }
            }
        }
    }

    @Test
    void uniformNumbersAreExact() {
        RandomKey key = new RandomKey(-5, 1L << 62, -3);
        long[] ids = {0, -1, Long.MIN_VALUE, 1L << 33};
        try (TensorScope scope = backend.openScope()) {
            Tensor out = scope.allocate(Shape.of(4, 1000), DType.FLOAT64);
            backend.random().uniform(key, ids, out);
            double[] values = out.toDoubleArray();
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i]).isEqualTo(CounterRandom.uniform(key, ids[i / 1000], i % 1000));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void classesAreThoseOfTheHost(DType dtype) {
        RandomKey key = new RandomKey(7, 3, 2);
        int samples = 200;
        int classes = 10;
        int positions = 6;
        long[] ids = random.longs(samples).toArray();
        double[] probabilities = new double[samples * classes * positions];
        for (int i = 0; i < samples * positions; i++) {
            double[] some = random.doubles(classes, 0, 1).toArray();
            double sum = Arrays.stream(some).sum();
            for (int c = 0; c < classes; c++) {
                int place = (i / positions * classes + c) * positions + i % positions;
                probabilities[place] = c == 4 ? 0 : (float) (some[c] / sum);
            }
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor labels = scope.allocate(Shape.of(samples, positions), DType.INT64);
            Tensor p = upload(scope, dtype, probabilities, samples, classes, positions);
            backend.random().categorical(key, ids, p, labels);
            long[] drawn = labels.toLongArray();
            for (int i = 0; i < drawn.length; i++) {
                double uniform = CounterRandom.uniform(key, ids[i / positions], i % positions);
                double cumulated = 0;
                int expected = -1;
                int last = 0;
                for (int c = 0; c < classes && expected < 0; c++) {
                    double probability = probabilities[(i / positions * classes + c) * positions + i % positions];
                    cumulated += probability;
                    last = probability > 0 ? c : last;
                    expected = uniform < cumulated ? c : -1;
                }
                assertThat(drawn[i]).isEqualTo(expected < 0 ? last : expected);
            }
        }
    }

    @Test
    void resultsAreTheSameEveryTime() {
        double[] values = numbers(50_000);
        double[] first = null;
        for (boolean backwards : new boolean[] {false, true, false}) {
            try (CudaBackend another = EmulatedCuda.open(new EmulatedCudaApi(backwards));
                    TensorScope scope = another.openScope()) {
                Tensor x = another.upload(scope, Shape.of(1, 50_000), DType.FLOAT32, values);
                Tensor sum = scope.allocate(Shape.of(1), DType.FLOAT32);
                another.reductions().reduce(Reduction.SUM, x, 1, 2, sum);
                Tensor norm = scope.allocate(Shape.of(1), DType.FLOAT32);
                another.contractions().rowDots(x, x, norm);
                double[] results = {sum.item(), norm.item()};
                first = first == null ? results : first;
                assertThat(results).containsExactly(first);
            }
        }
    }

    @Test
    void writingBesideMemoryIsNoticed() {
        try (TensorScope scope = backend.openScope()) {
            CudaTensor x = (CudaTensor) scope.allocate(Shape.of(10), DType.FLOAT32);
            Arguments wrong = new Arguments().tensor(x).number(11).number(1);
            backend.operation("wrong")
                    .writes(x)
                    .launch(KernelFile.ELEMENTWISE, DType.FLOAT32, "fill", Grid.threads(11), wrong);
            org.assertj.core.api.Assertions.assertThatThrownBy(x::toDoubleArray)
                    .hasMessageContaining("Kernel fill wrote beside an allocation of 40 bytes");
            // Put back what was there, so that the guards are whole again.
            HostBridge.copy(x.address() + 40, x.address() - 4, 4);
        }
    }
}
