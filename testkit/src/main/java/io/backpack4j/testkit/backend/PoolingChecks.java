// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Pooling at random windows over one to three axes. */
record PoolingChecks(BackendComparison both) {

    private static final int AXES = 3;

    void findsMaxima() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("maxima over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    for (boolean ties : new boolean[] {false, true}) {
                        WindowCase sizes = WindowCase.meeting(side.random(), rank);
                        Shape inputs = sizes.inputs(samples, 2);
                        Tensor x = ties ? side.ties(inputs) : side.tensor(inputs);
                        Tensor maxima = side.dirty(sizes.outputs(samples, 2));
                        Tensor indices = side.dirtyIndices(maxima.shape());
                        side.backend().pooling().maximum(sizes.window(), x, maxima, indices);
                        results.addAll(List.of(maxima, indices));
                    }
                }
                return results;
            });
        }
        both.compare("maxima of windows that begin in the padding and end behind the input", side -> {
            Window window = new Window(List.of(3L, 2L), List.of(2L, 3L), List.of(2L, 1L), List.of(2L, 1L));
            Tensor x = side.tensor(2, 3, 6, 5);
            // the last window of the first axis covers 4, 6 and 8 where the input ends at 5
            Tensor maxima = side.dirty(2, 3, 4, 2);
            Tensor indices = side.dirtyIndices(maxima.shape());
            side.backend().pooling().maximum(window, x, maxima, indices);
            return List.of(maxima, indices);
        });
    }

    void findsTheFirstOfEqualMaxima() {
        double nan = Double.NaN;
        double low = Double.NEGATIVE_INFINITY;
        expectMaximum(new double[] {1, 7, 7, 2}, 7, 1);
        expectMaximum(new double[] {-0.0, 0.0, -0.0, -1}, 0, 0);
        expectMaximum(new double[] {-1, 0.0, -0.0, 0.0}, 0, 1);
        expectMaximum(new double[] {1, nan, 3, nan}, nan, 1);
        expectMaximum(new double[] {nan, Double.POSITIVE_INFINITY, nan, 3}, nan, 0);
        expectMaximum(new double[] {low, low, low, low}, low, 0);
        expectMaximum(new double[] {low, -0x1p120, low, -0x1p120}, -0x1p120, 1);
    }

    private void expectMaximum(double[] values, double maximum, long index) {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
        Backend backend = both.backend();
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            try (TensorScope scope = backend.openScope()) {
                Tensor x = backend.upload(scope, Shape.of(1, 1, 2, 2), dtype, values);
                Tensor largest = scope.allocate(Shape.of(1, 1, 1, 1), dtype);
                Tensor indices = scope.allocate(Shape.of(1, 1, 1, 1), DType.INT64);
                backend.pooling().maximum(window, x, largest, indices);
                expect(values, largest, maximum, indices, index);
                backend.pooling().adaptiveMaximum(x, largest, indices);
                expect(values, largest, maximum, indices, index);
            }
        }
    }

    private static void expect(double[] values, Tensor largest, double maximum, Tensor indices, long index) {
        double actual = largest.toDoubleArray()[0];
        assertThat(actual == maximum || (Double.isNaN(actual) && Double.isNaN(maximum)))
                .as("%s, the maximum of %s, is %s", actual, Arrays.toString(values), maximum)
                .isTrue();
        assertThat(indices.toLongArray())
                .as("where the maximum of %s is", Arrays.toString(values))
                .containsExactly(index);
    }

    void findsAdaptiveMaxima() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("adaptive maxima over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    for (boolean ties : new boolean[] {false, true}) {
                        Shape inputs = sizes(side.random(), rank).prepend(samples, 2);
                        Tensor x = ties ? side.ties(inputs) : side.tensor(inputs);
                        Tensor maxima = side.dirty(sizes(side.random(), rank).prepend(samples, 2));
                        Tensor indices = side.dirtyIndices(maxima.shape());
                        side.backend().pooling().adaptiveMaximum(x, maxima, indices);
                        results.addAll(List.of(maxima, indices));
                    }
                }
                return results;
            });
        }
    }

    private static Shape sizes(Random random, int axes) {
        Shape shape = Shape.of();
        for (int axis = 0; axis < axes; axis++) {
            shape = shape.append(1L + random.nextInt(6));
        }
        return shape;
    }

    void scattersAndGathersPlanes() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("scatter and gather over " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    for (long columns : new long[] {1, 4}) {
                        Shape in = sizes(side.random(), rank);
                        Shape out = sizes(side.random(), rank);
                        Tensor indices = side.integers(out.prepend(samples, 2), (int) in.elements());
                        Shape inputs = in.prepend(columns * samples, 2);
                        Shape outputs = out.prepend(columns * samples, 2);
                        Tensor scattered = side.dirty(inputs);
                        side.backend().pooling().scatter(indices, side.tensor(outputs), scattered);
                        Tensor gathered = side.dirty(outputs);
                        side.backend().pooling().gather(side.tensor(inputs), indices, gathered);
                        results.addAll(List.of(scattered, gathered));
                    }
                }
                return results;
            });
        }
    }

    void resamples() {
        for (int axes = 1; axes <= AXES; axes++) {
            int rank = axes;
            both.compare("resampling of " + axes + " axes", side -> {
                List<Tensor> results = new ArrayList<>();
                for (long samples : new long[] {1, 3, 0}) {
                    for (int chosen = 0; chosen < 1 << rank; chosen++) {
                        results.add(resampled(side, rank, samples, chosen, false));
                        results.add(resampled(side, rank, samples, chosen, true));
                    }
                }
                return results;
            });
        }
    }

    /** Bits of {@code chosen} tell which axes have matrices. */
    private static Tensor resampled(BackendSide side, int axes, long samples, int chosen, boolean transposed) {
        Shape in = sizes(side.random(), axes);
        Shape out = sizes(side.random(), axes);
        List<@Nullable Tensor> matrices = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            if ((chosen >> axis & 1) == 0) {
                out = out.with(axis, in.size(axis));
                matrices.add(null);
            } else {
                matrices.add(
                        transposed
                                ? side.tensor(in.size(axis), out.size(axis))
                                : side.tensor(out.size(axis), in.size(axis)));
            }
        }
        Tensor result = side.dirty(out.prepend(samples, 2));
        side.backend().pooling().resample(matrices, transposed, side.tensor(in.prepend(samples, 2)), result);
        return result;
    }
}
