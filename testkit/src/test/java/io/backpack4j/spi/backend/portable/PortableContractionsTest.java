// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.GradientOracle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PortableContractionsTest {

    private static final double OLD = 0.25;
    private static final int VECTORS = 2;
    private static final Operand OPERAND = new Operand("test", "operand");

    private final Random random = Randomness.of("contractions");
    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    /** The last two have tiles of 1 MiB, so that four make a run, and of 5 MiB, so that each is a run. */
    @ParameterizedTest
    @CsvSource({
        "3, 4, 1, 3, 2, 1",
        "1, 5, 2, 2, 3, 4",
        "3, 2, 3, 1, 4, 2",
        "2, 6, 1, 256, 512, 1",
        "1, 2, 2, 512, 640, 1"
    })
    void consumersOfProductsFollowTheirDefinitions(
            int columns, int samples, int groups, int rows, int width, int positions) {
        for (boolean leftTransposed : new boolean[] {true, false}) {
            boolean rightTransposed = !leftTransposed;
            Shape leftShape = leftTransposed
                    ? Shape.of((long) columns * samples, groups, positions, rows)
                    : Shape.of((long) columns * samples, groups, rows, positions);
            Shape rightShape = rightTransposed
                    ? Shape.of(samples, groups, width, positions)
                    : Shape.of(samples, groups, positions, width);
            PerSampleProduct product =
                    new PerSampleProduct(normal(leftShape), leftTransposed, normal(rightShape), rightTransposed);
            Shape parameter = Shape.of((long) groups * rows, width);
            double[] tiles = products(product);
            check(
                    new GradientOracle(columns, samples, parameter, tiles),
                    consumers -> backend.contractions().contract(product, consumers));
        }
    }

    @ParameterizedTest
    @CsvSource({"3, 4, 3, 2", "2, 6, 256, 512"})
    void consumersOfTilesFollowTheirDefinitions(int columns, int samples, int rows, int width) {
        Shape parameter = Shape.of(rows, width);
        Tensor tiles = normal(parameter.prepend((long) columns * samples));
        long batch = (long) columns * samples;
        check(new GradientOracle(columns, samples, parameter, tiles.toDoubleArray()), consumers -> {
            // in parts that do not respect columns
            backend.contractions().consume(scope.rows(tiles, 0, 5), 0, batch, consumers);
            backend.contractions().consume(scope.rows(tiles, 5, batch), 5, batch, consumers);
            backend.contractions().consume(scope.rows(tiles, 5, 5), 5, batch, consumers);
        });
    }

    @Test
    void rowDotsAreRowByRow() {
        Tensor a = backend.upload(scope, Shape.of(2, 1, 2), DType.FLOAT64, new double[] {1, 2, 3, 4});
        Tensor b = backend.upload(scope, Shape.of(2, 1, 2), DType.FLOAT64, new double[] {5, 6, 7, 8});
        Tensor dots = scope.allocate(Shape.of(2), DType.FLOAT64);

        backend.contractions().rowDots(a, b, dots);

        Numbers.assertClose("dots", dots.toDoubleArray(), new double[] {17, 53}, 0);
    }

    /** A consumer, and what it should have in the end. */
    private record Expectation(TileConsumer consumer, double[] expected) {}

    private void check(GradientOracle oracle, Consumer<List<TileConsumer>> contraction) {
        List<Expectation> expectations = expectations(oracle);

        contraction.accept(expectations.stream().map(Expectation::consumer).toList());

        for (Expectation expectation : expectations) {
            double[] actual = expectation.consumer.destination().toDoubleArray();
            Numbers.assertClose(expectation.consumer.toString(), actual, expectation.expected, 1e-12);
        }
    }

    private List<Expectation> expectations(GradientOracle oracle) {
        Shape parameter = oracle.parameter();
        long columns = oracle.columns();
        long samples = oracle.samples();
        long batch = columns * samples;
        Tensor center = normal(parameter);
        Tensor weights = normal(Shape.of(batch));
        Tensor vectors = normal(parameter.prepend(VECTORS));
        Tensor manyWeights = normal(Shape.of(VECTORS, batch));
        GradientOracle centred = oracle.minus(center.toDoubleArray());
        Contraction squares = new Contraction.SumOfSquares();
        Contraction dot = new Contraction.Dot(OPERAND, VECTORS);
        Contraction weightedSum = new Contraction.WeightedSum(OPERAND, VECTORS);
        List<Expectation> all = new ArrayList<>();
        all.add(new Expectation(
                new TileConsumer.Sum(filled(parameter.prepend(columns))),
                added(oracle.compute(new Contraction.Sum(), null))));
        all.add(new Expectation(
                new TileConsumer.Sum(filled(parameter.prepend(1))),
                added(List.of(oracle.compute(new Contraction.Moments(), null).get(0)))));
        all.add(new Expectation(
                new TileConsumer.SumOfSquares(filled(parameter), null, null), added(oracle.compute(squares, null))));
        all.add(new Expectation(
                new TileConsumer.SumOfSquares(filled(parameter), center, null), added(centred.compute(squares, null))));
        all.add(new Expectation(
                new TileConsumer.SumOfSquares(filled(parameter), null, weights),
                added(oracle.compute(squares, weights.toDoubleArray()))));
        all.add(new Expectation(
                new TileConsumer.SumOfSquares(filled(parameter), center, weights),
                added(centred.compute(squares, weights.toDoubleArray()))));
        all.add(new Expectation(
                new TileConsumer.SumOfSquaresPerSample(filled(parameter.prepend(samples))),
                added(oracle.compute(new Contraction.SumOfSquaresPerSample(), null))));
        all.add(new Expectation(
                new TileConsumer.SumOfSquaresPerSample(filled(parameter.prepend(samples)), weights),
                added(oracle.compute(new Contraction.SumOfSquaresPerSample(), weights.toDoubleArray()))));
        all.add(new Expectation(
                new TileConsumer.SquaredNorms(filled(Shape.of(batch))),
                oracle.compute(new Contraction.SquaredNorms(), null).get(0)));
        all.add(new Expectation(
                new TileConsumer.Copy(filled(parameter.prepend(batch))),
                oracle.compute(new Contraction.PerSample(), null).get(0)));
        all.add(new Expectation(
                new TileConsumer.Dot(vectors, filled(Shape.of(VECTORS, batch))),
                oracle.compute(dot, vectors.toDoubleArray()).get(0)));
        all.add(new Expectation(
                new TileConsumer.WeightedSum(manyWeights, filled(parameter.prepend(VECTORS))),
                added(oracle.compute(weightedSum, manyWeights.toDoubleArray()))));
        return all;
    }

    private static double[] added(List<double[]> results) {
        return Arrays.stream(results.get(0)).map(value -> value + OLD).toArray();
    }

    private Tensor filled(Shape shape) {
        Tensor tensor = scope.allocate(shape, DType.FLOAT64);
        backend.elementwise().fill(tensor, OLD);
        return tensor;
    }

    private Tensor normal(Shape shape) {
        return backend.upload(scope, shape, DType.FLOAT64, Randomness.normal(random, shape.elements()));
    }

    /** All products op(left_b) op(right_{b mod C}), one after the other. */
    private double[] products(PerSampleProduct product) {
        double[] left = product.left().toDoubleArray();
        double[] right = product.right().toDoubleArray();
        int groups = (int) product.groups();
        int rows = (int) product.rows();
        int width = (int) product.columns();
        int positions = (int) product.positions();
        double[] tiles = new double[(int) (product.batch() * product.tile().elements())];
        for (int i = 0; i < tiles.length; i++) {
            int k = i % width;
            int m = i / width % rows;
            int matrix = i / width / rows;
            int ofRight = matrix % (groups * (int) product.samples());
            for (int s = 0; s < positions; s++) {
                int atLeft = product.leftTransposed() ? s * rows + m : m * positions + s;
                int atRight = product.rightTransposed() ? k * positions + s : s * width + k;
                tiles[i] += left[matrix * rows * positions + atLeft] * right[ofRight * width * positions + atRight];
            }
        }
        return tiles;
    }
}
