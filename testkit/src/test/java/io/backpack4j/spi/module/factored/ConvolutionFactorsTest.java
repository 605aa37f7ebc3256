// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against loops over positions and elements of the window. */
class ConvolutionFactorsTest {

    private static final double TOLERANCE = 1e-12;

    /**
     * A convolution of inputs {@code [N, G·inputs, *large]} to outputs {@code [N, G·outputs, *small]}; the transposed
     * one goes the other way.
     */
    record Case(
            Window window, int groups, int outputs, int inputs, int[] small, int[] large, int columns, int samples) {

        int elements() {
            return (int) window.elements();
        }

        Shape weight() {
            return Shape.of((long) groups * outputs, inputs)
                    .append(window.kernel().stream().mapToLong(k -> k).toArray());
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case(
                        window(new long[] {2}, new long[] {1}, new long[] {0}, new long[] {1}),
                        1,
                        3,
                        2,
                        new int[] {4},
                        new int[] {5},
                        2,
                        3),
                new Case(
                        window(new long[] {3}, new long[] {2}, new long[] {2}, new long[] {2}),
                        2,
                        2,
                        3,
                        new int[] {4},
                        new int[] {8},
                        1,
                        2),
                new Case(
                        window(new long[] {2, 3}, new long[] {2, 1}, new long[] {1, 0}, new long[] {1, 2}),
                        2,
                        1,
                        2,
                        new int[] {3, 2},
                        new int[] {5, 6},
                        2,
                        2),
                new Case(
                        window(new long[] {1, 1}, new long[] {3, 2}, new long[] {0, 1}, new long[] {1, 1}),
                        1,
                        2,
                        2,
                        new int[] {2, 3},
                        new int[] {4, 4},
                        1,
                        3),
                new Case(
                        window(new long[] {2, 1, 2}, new long[] {1, 2, 1}, new long[] {0, 0, 1}, new long[] {1, 1, 1}),
                        1,
                        2,
                        1,
                        new int[] {2, 2, 3},
                        new int[] {3, 3, 2},
                        3,
                        2),
                // Several runs of unfolded samples: 8 · 900 · 100 bytes each.
                new Case(
                        window(new long[] {10, 10}, new long[] {1, 1}, new long[] {0, 0}, new long[] {1, 1}),
                        1,
                        1,
                        1,
                        new int[] {30, 30},
                        new int[] {39, 39},
                        1,
                        7));
    }

    private static Window window(long[] kernel, long[] stride, long[] padding, long[] dilation) {
        return new Window(list(kernel), list(stride), list(padding), list(dilation));
    }

    private static List<Long> list(long... values) {
        return Arrays.stream(values).boxed().toList();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void convolutionsHaveTheirFactors(Case c) {
        check(c, false);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void transposedConvolutionsHaveTheirFactors(Case c) {
        check(c, true);
    }

    private static void check(Case c, boolean transposed) {
        Random random = Randomness.of(c.toString());
        int smallCount = product(c.small);
        int largeCount = product(c.large);
        int smallBatch = c.samples * (transposed ? 1 : c.columns);
        int largeBatch = c.samples * (transposed ? c.columns : 1);
        double[] small = Randomness.normal(random, (long) smallBatch * c.groups * c.outputs * smallCount);
        double[] large = Randomness.normal(random, (long) largeBatch * c.groups * c.inputs * largeCount);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor outputs =
                    backend.upload(scope, shape(smallBatch, c.groups * c.outputs, c.small), DType.FLOAT64, small);
            Tensor inputs =
                    backend.upload(scope, shape(largeBatch, c.groups * c.inputs, c.large), DType.FLOAT64, large);
            PerSampleConvolution product = new PerSampleConvolution(c.window, outputs, inputs, c.weight());
            KroneckerSizes sizes = transposed
                    ? ConvolutionFactors.transposedSizes(c.weight(), c.groups)
                    : ConvolutionFactors.sizes(c.weight(), c.groups);
            assertThat(sizes.groups() * sizes.outputs() * sizes.inputs())
                    .isEqualTo(c.weight().elements());
            assertThat(sizes.convention()).isEqualTo(KroneckerConvention.BACKPACK);
            double[][][] unfolded = transposed ? unfoldedOutputs(c, small) : unfoldedInputs(c, large);
            double[][][] cotangents = transposed
                    ? byPosition(large, largeBatch * c.groups, c.inputs, largeCount)
                    : byPosition(small, smallBatch * c.groups, c.outputs, smallCount);
            double positions = unfolded[0].length;
            for (KroneckerConvention convention : KroneckerConvention.values()) {
                boolean joins = convention == KroneckerConvention.REDUCE;
                double scale = convention == KroneckerConvention.BACKPACK
                        ? 1
                        : joins ? 1 / positions / positions : 1 / positions;
                var input = new Contraction.InputFactor(sizes, convention);
                compare(
                        backend,
                        input,
                        task -> {
                            if (transposed) {
                                ConvolutionFactors.inputTransposed(backend, product, input, task);
                            } else {
                                ConvolutionFactors.input(backend, product, input, task);
                            }
                        },
                        products(unfolded, c.groups, joins, scale));
                var output = new Contraction.OutputFactor(sizes, convention);
                boolean sums = convention != KroneckerConvention.EXPAND;
                Tensor rows = transposed ? product.inputs() : product.outputs();
                compare(
                        backend,
                        output,
                        task -> ConvolutionFactors.output(backend, rows, output, task),
                        products(cotangents, c.groups, sums, 1));
            }
        }
    }

    private static void compare(
            HeapBackend backend, Contraction contraction, Consumer<ContractionTask> computation, double[] expected) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = contraction.shapes(1, 1, Shape.of(1)).get(0);
            Tensor target = scope.allocate(shape, DType.FLOAT64);
            backend.elementwise().fill(target, 1);
            computation.accept(new ContractionTask(contraction, List.of(target), null, true));
            double[] wanted = Arrays.stream(expected).map(x -> x + 1).toArray();
            Numbers.assertClose(contraction.toString(), target.toDoubleArray(), wanted, TOLERANCE);
        }
    }

    /** x[n, (g, c), t · stride + k · dilation − padding] for every (n, g), t, (c, k). */
    private static double[][][] unfoldedInputs(Case c, double[] x) {
        double[][][] result = new double[c.samples * c.groups][product(c.small)][c.inputs * c.elements()];
        for (int matrix = 0; matrix < result.length; matrix++) {
            for (int t = 0; t < product(c.small); t++) {
                for (int k = 0; k < c.elements(); k++) {
                    int at = inputPosition(c, t, k);
                    for (int channel = 0; channel < c.inputs && at >= 0; channel++) {
                        result[matrix][t][channel * c.elements() + k] =
                                x[(matrix * c.inputs + channel) * product(c.large) + at];
                    }
                }
            }
        }
        return result;
    }

    /** y[n, (g, o), t] at the input position of t and k, for every (n, g), position, (o, k). */
    private static double[][][] unfoldedOutputs(Case c, double[] y) {
        double[][][] result = new double[c.samples * c.groups][product(c.large)][c.outputs * c.elements()];
        for (int matrix = 0; matrix < result.length; matrix++) {
            for (int t = 0; t < product(c.small); t++) {
                for (int k = 0; k < c.elements(); k++) {
                    int at = inputPosition(c, t, k);
                    for (int channel = 0; channel < c.outputs && at >= 0; channel++) {
                        result[matrix][at][channel * c.elements() + k] =
                                y[(matrix * c.outputs + channel) * product(c.small) + t];
                    }
                }
            }
        }
        return result;
    }

    /** The row-major input position of an output position and an element of the window, −1 outside. */
    private static int inputPosition(Case c, int t, int k) {
        int position = 0;
        int outputs = product(c.small);
        int elements = c.elements();
        for (int axis = 0; axis < c.small.length; axis++) {
            outputs /= c.small[axis];
            elements /= (int) (long) c.window.kernel().get(axis);
            int ofOutput = t / outputs % c.small[axis];
            int ofKernel = (int) (k / elements % c.window.kernel().get(axis));
            int at = (int) (ofOutput * c.window.stride().get(axis)
                    + ofKernel * c.window.dilation().get(axis)
                    - c.window.padding().get(axis));
            if (at < 0 || at >= c.large[axis]) {
                return -1;
            }
            position = position * c.large[axis] + at;
        }
        return position;
    }

    /** {@code [matrices, channels, positions]} as {@code [matrices, positions, channels]}. */
    private static double[][][] byPosition(double[] values, int matrices, int channels, int positions) {
        double[][][] result = new double[matrices][positions][channels];
        for (int i = 0; i < values.length; i++) {
            result[i / positions / channels][i % positions][i / positions % channels] = values[i];
        }
        return result;
    }

    private static double[] products(double[][][] vectors, int groups, boolean joins, double scale) {
        int length = vectors[0][0].length;
        double[] result = new double[groups * length * length];
        for (int matrix = 0; matrix < vectors.length; matrix++) {
            int first = matrix % groups * length * length;
            double[][] rows = joins ? new double[][] {sum(vectors[matrix])} : vectors[matrix];
            for (double[] row : rows) {
                for (int i = 0; i < length * length; i++) {
                    result[first + i] += scale * row[i / length] * row[i % length];
                }
            }
        }
        return result;
    }

    private static double[] sum(double[][] rows) {
        double[] sum = new double[rows[0].length];
        for (double[] row : rows) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += row[i];
            }
        }
        return sum;
    }

    private static Shape shape(long batch, long channels, int[] spatial) {
        return Shape.of(batch, channels)
                .append(Arrays.stream(spatial).asLongStream().toArray());
    }

    private static int product(int[] sizes) {
        return Arrays.stream(sizes).reduce(1, (a, b) -> a * b);
    }
}
