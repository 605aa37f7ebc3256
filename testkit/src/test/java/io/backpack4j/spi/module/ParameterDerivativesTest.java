// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.ContractionChecks;
import io.backpack4j.testkit.module.GradientOracle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The defaults, on derivatives that know their per-sample gradients and nothing else. */
class ParameterDerivativesTest {

    /** A parameter with two uses: a sample's gradient is the sum over both. */
    private static class TiedDerivatives extends ParameterDerivatives {

        private final Tensor first;
        private final Tensor second;

        TiedDerivatives(Backend backend, Shape parameter, Tensor first, Tensor second) {
            super(
                    backend,
                    parameter,
                    DType.FLOAT64,
                    first.shape().size(0),
                    first.shape().size(1));
            this.first = first;
            this.second = second;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            Region region = Region.all(first.shape())
                    .with(0, block.fromColumn(), block.columns())
                    .with(1, block.fromSample(), block.samples());
            try (TensorScope scope = backend().openScope()) {
                Tensor other = scope.allocate(region.shape(), DType.FLOAT64);
                backend().indexing().extract(first, region, destination);
                backend().indexing().extract(second, region, other);
                backend().elementwise().addScaled(1, other, destination);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 5, 3, 2", "3, 4, 2, 3", "2, 1, 1, 1"})
    void defaultsAgreeWithDefinitions(int columns, int samples, int rows, int width) {
        Random random = Randomness.of("defaults");
        Shape parameter = Shape.of(rows, width);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Shape shape = parameter.prepend(columns, samples);
            double[] first = Randomness.normal(random, shape.elements());
            double[] second = Randomness.normal(random, shape.elements());
            var derivatives = new TiedDerivatives(
                    backend,
                    parameter,
                    backend.upload(scope, shape, DType.FLOAT64, first),
                    backend.upload(scope, shape, DType.FLOAT64, second));
            var oracle = new GradientOracle(columns, samples, parameter, sum(first, second));

            new ContractionChecks(backend, derivatives, oracle, random, 1e-12).run();
        }
    }

    @Test
    void variancesOfLargeMeansDoNotCancel() {
        Shape parameter = Shape.of(1);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            double[] gradients = {1e9, 1e9 + 1, 1e9 + 2};
            Tensor given = backend.upload(scope, Shape.of(1, 3, 1), DType.FLOAT64, gradients);
            Tensor zeros = backend.upload(scope, Shape.of(1, 3, 1), DType.FLOAT64, new double[3]);
            Tensor sum = scope.allocate(parameter, DType.FLOAT64);
            Tensor squares = scope.allocate(parameter, DType.FLOAT64);

            new TiedDerivatives(backend, parameter, given, zeros)
                    .execute(List.of(
                            new ContractionTask(new Contraction.Moments(), List.of(sum, squares), null, false)));

            assertThat(squares.item()).isEqualTo(2);
        }
    }

    /**
     * Where adding up gradients that are made anyway is cheaper than their sum, one go makes both moments. What cancels
     * is the estimate's part, at most as many digits as there are gradients per gradient of the estimate.
     */
    @ParameterizedTest
    @CsvSource({"5, 3", "6, 3", "17, 2", "40, 3", "150, 1"})
    void momentsInOneGoAgreeWithTheDefinition(int samples, int length) {
        Random random = Randomness.of("moments");
        Shape parameter = Shape.of(length);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Shape shape = parameter.prepend(1, samples);
            double[] gradients = Randomness.normal(random, shape.elements());
            for (int i = 0; i < gradients.length; i++) {
                // a large mean; one that only the first gradient has; an ordinary one
                gradients[i] = i % 3 == 0 ? gradients[i] + 1000 : i % 3 == 1 && i >= length ? 0 : gradients[i];
            }
            Tensor given = backend.upload(scope, shape, DType.FLOAT64, gradients);
            Tensor zeros = backend.upload(scope, shape, DType.FLOAT64, new double[gradients.length]);
            Tensor sum = scope.allocate(parameter, DType.FLOAT64);
            Tensor squares = scope.allocate(parameter, DType.FLOAT64);
            List<String> asked = new ArrayList<>();
            var derivatives = new TiedDerivatives(backend, parameter, given, zeros) {
                @Override
                protected Optional<DirectForm> directForm(Contraction contraction) {
                    return contraction.equals(new Contraction.Sum())
                            ? Optional.of(DirectForm.adding(task -> {
                                        asked.add("sum");
                                        backend.reductions()
                                                .reduce(
                                                        Reduction.SUM,
                                                        scope.view(given, parameter.prepend(samples)),
                                                        0,
                                                        1,
                                                        scope.view(task.destination(), parameter));
                                    })
                                    .unlessTilesAreMade())
                            : Optional.empty();
                }
            };
            derivatives.execute(
                    List.of(new ContractionTask(new Contraction.Moments(), List.of(sum, squares), null, false)));

            assertThat(asked.isEmpty()).isEqualTo(samples >= 6);
            for (int element = 0; element < length; element++) {
                double mean = 0;
                for (int n = 0; n < samples; n++) {
                    mean += gradients[n * length + element] / samples;
                }
                double expected = 0;
                for (int n = 0; n < samples; n++) {
                    expected += Math.pow(gradients[n * length + element] - mean, 2);
                }
                assertThat(sum.toDoubleArray()[element]).isCloseTo(mean * samples, offset(1e-9 * samples));
                assertThat(squares.toDoubleArray()[element]).isCloseTo(expected, offset(1e-9 * expected));
            }
        }
    }

    @Test
    void showsTilesInRunsOfFewMegabytes() {
        // 2 MiB a gradient: two in a run
        Shape parameter = Shape.of(512, 512);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Shape shape = parameter.prepend(2, 3);
            double[] values = Randomness.normal(Randomness.of("tiles"), shape.elements());
            Tensor given = backend.upload(scope, shape, DType.FLOAT64, values);
            Tensor zeros = backend.upload(scope, shape, DType.FLOAT64, new double[values.length]);
            var derivatives = new TiedDerivatives(backend, parameter, given, zeros);
            List<Block> blocks = new ArrayList<>();
            double[] seen = new double[values.length];

            derivatives.tiles((block, gradients) -> {
                blocks.add(block);
                double[] part = gradients.toDoubleArray();
                int start = (int) ((block.fromColumn() * 3 + block.fromSample()) * parameter.elements());
                System.arraycopy(part, 0, seen, start, part.length);
            });

            assertThat(blocks)
                    .containsExactly(
                            new Block(0, 1, 0, 2), new Block(0, 1, 2, 3), new Block(1, 2, 0, 2), new Block(1, 2, 2, 3));
            Numbers.assertClose("tiles", seen, values, 0);
        }
    }

    private static double[] sum(double[] a, double[] b) {
        double[] sum = new double[a.length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }

    /** Gradients are kept until their sum is there if they are few and small, and made again if they are not. */
    @ParameterizedTest
    @CsvSource({"1, 3, 7", "2, 3, 5", "1, 3, 180000", "2, 2, 140000"})
    void innerProductsWithTheSumAgreeWithTheDefinition(int columns, int samples, int length) {
        Random random = Randomness.of("sums");
        Shape parameter = Shape.of(length);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Shape shape = parameter.prepend(columns, samples);
            double[] first = Randomness.normal(random, shape.elements());
            double[] second = Randomness.normal(random, shape.elements());
            var derivatives = new TiedDerivatives(
                    backend,
                    parameter,
                    backend.upload(scope, shape, DType.FLOAT64, first),
                    backend.upload(scope, shape, DType.FLOAT64, second));
            Tensor dots = scope.allocate(Shape.of(columns, samples), DType.FLOAT64);
            Tensor norms = scope.allocate(Shape.of(columns, samples), DType.FLOAT64);
            Tensor total = scope.allocate(parameter, DType.FLOAT64);
            Tensor squares = scope.allocate(parameter, DType.FLOAT64);
            derivatives.execute(List.of(
                    new ContractionTask(new Contraction.DotWithSum(), List.of(dots), null, false),
                    new ContractionTask(new Contraction.SquaredNorms(), List.of(norms), null, false),
                    new ContractionTask(new Contraction.Moments(), List.of(total, squares), null, false)));
            double[] sums = new double[columns * length];
            for (int i = 0; i < first.length; i++) {
                sums[i / length / samples * length + i % length] += first[i] + second[i];
            }
            for (int row = 0; row < columns * samples; row++) {
                double dot = 0;
                double norm = 0;
                for (int i = 0; i < length; i++) {
                    double gradient = first[row * length + i] + second[row * length + i];
                    dot += gradient * sums[row / samples * length + i];
                    norm += gradient * gradient;
                }
                assertThat(dots.toDoubleArray()[row]).isCloseTo(dot, offset(1e-9 * length));
                assertThat(norms.toDoubleArray()[row]).isCloseTo(norm, offset(1e-9 * length));
            }
            double ofAll = 0;
            for (int column = 0; column < columns; column++) {
                ofAll += sums[column * length + length / 2];
            }
            assertThat(total.toDoubleArray()[length / 2]).isCloseTo(ofAll, offset(1e-12 * samples));
        }
    }
}
