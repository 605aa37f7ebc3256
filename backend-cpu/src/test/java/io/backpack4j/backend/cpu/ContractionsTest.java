// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class ContractionsTest extends VariantTest {

    /** B, C, G, M, S, K. */
    private static final int[][] SIZES = {
        {1, 1, 1, 1, 1, 1},
        {4, 4, 1, 3, 5, 2},
        {6, 2, 1, 3, 5, 2},
        {6, 3, 2, 3, 4, 2},
        {4, 4, 1, 3, 1, 7},
        {6, 3, 2, 3, 1, 5},
        {6, 6, 1, 10, 1, 1100},
        {131, 131, 1, 3, 1, 40},
        {5, 5, 1, 33, 1, 700},
        {4, 2, 1, 70, 9, 130},
        {2, 1, 2, 64, 8, 70},
        {4, 4, 1, 2, 0, 3},
        {4, 4, 1, 0, 2, 3},
        {0, 1, 1, 2, 2, 3},
    };

    /** A consumer and what its destination must hold. */
    private record Expectation(TileConsumer consumer, Numbers expected, double magnitude, String what) {}

    @EachVariant
    void handsEveryTileToEachConsumer(Variant variant) {
        var backend = backend(variant);
        for (int[] sizes : SIZES) {
            for (int flags = 0; flags < 4; flags++) {
                Random random = Variant.random(40 + flags);
                try (TensorScope scope = backend.openScope()) {
                    boolean leftTransposed = (flags & 1) != 0;
                    boolean rightTransposed = (flags & 2) != 0;
                    Numbers left = Numbers.random(random, variant, left(sizes, leftTransposed));
                    Numbers right = Numbers.random(random, variant, right(sizes, rightTransposed));
                    var product = new PerSampleProduct(
                            left.on(scope, variant), leftTransposed, right.on(scope, variant), rightTransposed);
                    double[][] tiles = tiles(sizes, left, leftTransposed, right, rightTransposed);
                    Shape tile = Shape.of(sizes[2], sizes[3], sizes[5]);
                    List<Expectation> all = expectations(scope, variant, random, tile, tiles, sizes[1]);
                    backend.contractions().contract(product, consumers(all));
                    check(variant, all, sizes[4], "together, " + product);
                    if (leftTransposed == rightTransposed) {
                        continue;
                    }
                    for (Expectation each : expectations(scope, variant, random, tile, tiles, sizes[1])) {
                        backend.contractions().contract(product, List.of(each.consumer()));
                        check(variant, List.of(each), sizes[4], "alone, " + product);
                    }
                }
            }
        }
    }

    @EachVariant
    void handsOutTilesThatExist(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(50);
        for (int[] batchAndSize : new int[][] {{1, 1}, {6, 5}, {6, 1300}, {12, 9000}, {0, 4}}) {
            try (TensorScope scope = backend.openScope()) {
                int batch = batchAndSize[0];
                Shape shape = Shape.of(batchAndSize[1]);
                Numbers stored = Numbers.random(random, variant, shape.prepend(batch));
                double[][] tiles = new double[batch][(int) shape.elements()];
                for (int b = 0; b < batch; b++) {
                    System.arraycopy(stored.values(), b * tiles[b].length, tiles[b], 0, tiles[b].length);
                }
                List<Expectation> all = expectations(scope, variant, random, shape, tiles, Math.max(1, batch / 2));
                Tensor whole = stored.on(scope, variant);
                int half = batch / 2;
                backend.contractions().consume(scope.rows(whole, 0, half), 0, batch, consumers(all));
                backend.contractions().consume(scope.rows(whole, half, batch), half, batch, consumers(all));
                check(variant, all, 1, "of " + stored.shape());
            }
        }
    }

    @EachVariant
    void multipliesRowByRow(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(51);
        for (Shape shape :
                List.of(Shape.of(3, 4), Shape.of(5, 2, 7), Shape.of(4, 20_000), Shape.of(0, 3), Shape.of(2, 0))) {
            try (TensorScope scope = backend.openScope()) {
                Numbers a = Numbers.random(random, variant, shape);
                Numbers b = Numbers.random(random, variant, shape);
                int rows = (int) shape.size(0);
                int length = (int) shape.elements(1, shape.rank());
                Numbers expected = Numbers.filled(Shape.of(rows), 0);
                for (int i = 0; i < rows * length; i++) {
                    expected.values()[i / length] += a.values()[i] * b.values()[i];
                }
                Tensor destination = dirty(scope, variant, expected.shape());
                backend.contractions().rowDots(a.on(scope, variant), b.on(scope, variant), destination);
                expected.assertClose(
                        destination, variant.tolerance() * Math.sqrt(Math.max(1, length)), "rowDots " + shape);
            }
        }
    }

    /** Far from zero with little spread: expanding the square would leave no digit. */
    @EachVariant
    void centredSquaresDoNotCancel(Variant variant) {
        var backend = backend(variant);
        Random random = Variant.random(52);
        int batch = 64;
        for (int[] size : new int[][] {{10, 1, 784}, {24, 9, 100}}) {
            try (TensorScope scope = backend.openScope()) {
                int[] sizes = {batch, batch, 1, size[0], size[1], size[2]};
                Numbers left =
                        Numbers.random(random, variant, left(sizes, true)).map(v -> variant.round(100 + v * 1e-3));
                Numbers right =
                        Numbers.random(random, variant, right(sizes, false)).map(v -> 1);
                double[][] tiles = tiles(sizes, left, true, right, false);
                Shape tile = Shape.of(1, size[0], size[2]);
                Numbers mean = Numbers.filled(tile, 0);
                for (double[] each : tiles) {
                    for (int p = 0; p < each.length; p++) {
                        mean.values()[p] += each[p] / batch;
                    }
                }
                Tensor center = mean.on(scope, variant);
                Numbers rounded = Numbers.of(center);
                Numbers expected = Numbers.filled(tile, 0);
                for (double[] each : tiles) {
                    for (int p = 0; p < each.length; p++) {
                        double distance = variant.round(each[p]) - rounded.values()[p];
                        expected.values()[p] += distance * distance;
                    }
                }
                Tensor destination = Numbers.filled(tile, 0).on(scope, variant);
                var product = new PerSampleProduct(left.on(scope, variant), true, right.on(scope, variant), false);
                backend.contractions()
                        .contract(product, List.of(new TileConsumer.SumOfSquares(destination, center, null)));
                double largest = 0;
                for (double value : expected.values()) {
                    largest = Math.max(largest, value);
                }
                double unit = variant.single() ? 1e-5 : 1e-13;
                double tolerance = batch * 1e-3 * 100 * size[1] * unit * size[1];
                expected.assertClose(
                        destination, Math.min(tolerance, 0.1 * Math.max(largest, 1e-3)), "centred squares");
            }
        }
    }

    private static Shape left(int[] sizes, boolean transposed) {
        return transposed
                ? Shape.of(sizes[0], sizes[2], sizes[4], sizes[3])
                : Shape.of(sizes[0], sizes[2], sizes[3], sizes[4]);
    }

    private static Shape right(int[] sizes, boolean transposed) {
        return transposed
                ? Shape.of(sizes[1], sizes[2], sizes[5], sizes[4])
                : Shape.of(sizes[1], sizes[2], sizes[4], sizes[5]);
    }

    private static double[][] tiles(
            int[] sizes, Numbers left, boolean leftTransposed, Numbers right, boolean rightTransposed) {
        int groups = sizes[2];
        int rows = sizes[3];
        int positions = sizes[4];
        int columns = sizes[5];
        double[][] tiles = new double[sizes[0]][groups * rows * columns];
        for (int b = 0; b < sizes[0]; b++) {
            int c = b % sizes[1];
            for (int g = 0; g < groups; g++) {
                for (int i = 0; i < rows; i++) {
                    for (int j = 0; j < columns; j++) {
                        double sum = 0;
                        for (int s = 0; s < positions; s++) {
                            sum += (leftTransposed ? left.at(b, g, s, i) : left.at(b, g, i, s))
                                    * (rightTransposed ? right.at(c, g, j, s) : right.at(c, g, s, j));
                        }
                        tiles[b][(g * rows + i) * columns + j] = sum;
                    }
                }
            }
        }
        return tiles;
    }

    private static List<TileConsumer> consumers(List<Expectation> expectations) {
        return expectations.stream().map(Expectation::consumer).toList();
    }

    private static void check(Variant variant, List<Expectation> expectations, int positions, String what) {
        for (Expectation each : expectations) {
            double tolerance = variant.tolerance() * Math.max(1, each.magnitude()) * 4;
            each.expected()
                    .assertClose(each.consumer().destination(), tolerance, each.what() + " " + what + " " + positions);
        }
    }

    /** One consumer of each kind; destinations that sum start with random numbers, the others with NaN. */
    private static List<Expectation> expectations(
            TensorScope scope, Variant variant, Random random, Shape tile, double[][] tiles, int samples) {
        int batch = tiles.length;
        int length = (int) tile.elements();
        double largest = 1;
        for (double[] each : tiles) {
            for (double value : each) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        List<Expectation> all = new ArrayList<>();
        for (int runs : new int[] {1, Math.max(1, batch / samples), Math.max(1, batch)}) {
            Numbers sum = Numbers.random(random, variant, tile.prepend(runs));
            Tensor destination = sum.on(scope, variant);
            for (int b = 0; b < batch; b++) {
                for (int p = 0; p < length; p++) {
                    sum.values()[b / (batch / runs) * length + p] += tiles[b][p];
                }
            }
            all.add(new Expectation(new TileConsumer.Sum(destination), sum, largest * batch, "sum"));
        }
        for (int kind = 0; kind < 4; kind++) {
            Numbers center = Numbers.random(random, variant, tile);
            Numbers weights = Numbers.random(random, variant, Shape.of(batch));
            boolean centred = (kind & 1) != 0;
            boolean weighted = (kind & 2) != 0;
            Numbers sum = Numbers.random(random, variant, tile);
            Tensor destination = sum.on(scope, variant);
            for (int b = 0; b < batch; b++) {
                for (int p = 0; p < length; p++) {
                    double value = tiles[b][p] - (centred ? center.values()[p] : 0);
                    sum.values()[p] += value * value * (weighted ? weights.values()[b] : 1);
                }
            }
            var consumer = new TileConsumer.SumOfSquares(
                    destination,
                    centred ? center.on(scope, variant) : null,
                    weighted ? weights.on(scope, variant) : null);
            all.add(new Expectation(consumer, sum, largest * largest * batch, "sumOfSquares " + kind));
        }
        Numbers perSample = Numbers.random(random, variant, tile.prepend(samples));
        Tensor perSampleDestination = perSample.on(scope, variant);
        Numbers norms = Numbers.filled(Shape.of(batch), 0);
        Numbers copy = Numbers.filled(tile.prepend(batch), 0);
        int vectors = 3;
        Numbers directions = Numbers.random(random, variant, tile.prepend(vectors));
        Numbers dots = Numbers.filled(Shape.of(vectors, batch), 0);
        Numbers weights = Numbers.random(random, variant, Shape.of(vectors, batch));
        Numbers weighted = Numbers.random(random, variant, tile.prepend(vectors));
        Tensor weightedDestination = weighted.on(scope, variant);
        for (int b = 0; b < batch; b++) {
            for (int p = 0; p < length; p++) {
                double value = tiles[b][p];
                perSample.values()[b % samples * length + p] += value * value;
                norms.values()[b] += value * value;
                copy.values()[b * length + p] = value;
                for (int k = 0; k < vectors; k++) {
                    dots.values()[k * batch + b] += directions.values()[k * length + p] * value;
                    weighted.values()[k * length + p] += weights.values()[k * batch + b] * value;
                }
            }
        }
        double many = Math.sqrt(Math.max(1, length));
        all.add(new Expectation(
                new TileConsumer.SumOfSquaresPerSample(perSampleDestination),
                perSample,
                largest * largest * batch,
                "sumOfSquaresPerSample"));
        all.add(new Expectation(
                new TileConsumer.SquaredNorms(dirty(scope, variant, norms.shape())),
                norms,
                largest * largest * many,
                "squaredNorms"));
        all.add(new Expectation(new TileConsumer.Copy(dirty(scope, variant, copy.shape())), copy, largest, "copy"));
        all.add(new Expectation(
                new TileConsumer.Dot(directions.on(scope, variant), dirty(scope, variant, dots.shape())),
                dots,
                largest * many,
                "dot"));
        all.add(new Expectation(
                new TileConsumer.WeightedSum(weights.on(scope, variant), weightedDestination),
                weighted,
                largest * batch,
                "weightedSum"));
        return all;
    }
}
