// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Fused contractions and the consumers of tiles. */
record TileChecks(BackendComparison both) {

    void contractsProducts() {
        // B, C, G, M, S, K
        int[][] sizes = {
            {1, 1, 1, 1, 1, 1},
            {6, 2, 1, 3, 5, 2},
            {6, 3, 2, 3, 4, 2},
            {4, 4, 1, 3, 1, 7},
            {12, 6, 1, 10, 1, 200},
            {6, 3, 1, 20, 9, 30},
            {4, 4, 1, 2, 0, 3},
            {4, 2, 1, 0, 2, 3},
            {0, 1, 1, 2, 2, 3},
        };
        for (int[] size : sizes) {
            for (int flags = 0; flags < 4; flags++) {
                boolean left = (flags & 1) != 0;
                boolean right = (flags & 2) != 0;
                both.compare("contract " + List.of(size[0], size[1], size[2], size[3], size[4], size[5]), side -> {
                    Tensor a = left
                            ? side.tensor(size[0], size[2], size[4], size[3])
                            : side.tensor(size[0], size[2], size[3], size[4]);
                    Tensor b = right
                            ? side.tensor(size[1], size[2], size[5], size[4])
                            : side.tensor(size[1], size[2], size[4], size[5]);
                    PerSampleProduct product = new PerSampleProduct(a, left, b, right);
                    List<TileConsumer> together = consumers(side, size[0], size[1], product.tile());
                    side.backend().contractions().contract(product, together);
                    List<TileConsumer> alone = consumers(side, size[0], size[1], product.tile());
                    for (TileConsumer consumer : alone) {
                        side.backend().contractions().contract(product, List.of(consumer));
                    }
                    side.backend().contractions().contract(product, List.of());
                    together.addAll(alone);
                    return together.stream().map(TileConsumer::destination).toList();
                });
            }
        }
    }

    void contractsTilesThatExist() {
        for (int[] size : new int[][] {{1, 1}, {6, 5}, {6, 300}, {0, 4}, {4, 0}}) {
            both.compare("consume " + size[0] + " tiles of " + size[1], side -> {
                Shape tile = Shape.of(size[1]);
                Tensor tiles = side.tensor(tile.prepend(size[0]));
                List<TileConsumer> consumers = consumers(side, size[0], Math.max(1, size[0] / 2), tile);
                int cut = size[0] / 3;
                var contractions = side.backend().contractions();
                contractions.consume(side.scope().rows(tiles, 0, cut), 0, size[0], consumers);
                contractions.consume(side.scope().rows(tiles, cut, size[0]), cut, size[0], consumers);
                Tensor dots = side.dirty(size[0]);
                contractions.rowDots(tiles, side.tensor(tile.prepend(size[0])), dots);
                List<Tensor> results = new ArrayList<>(
                        consumers.stream().map(TileConsumer::destination).toList());
                results.add(dots);
                Tensor dotsWithOne = side.dirty(size[0]);
                contractions.rowDots(tiles, side.tensor(tile.prepend(1)), dotsWithOne);
                results.add(dotsWithOne);
                Tensor total = side.dirty();
                side.backend().reductions().total(tiles, total);
                results.add(total);
                return results;
            });
        }
    }

    /**
     * Small terms beside large ones, some of which cancel, far enough apart for backends that add up short runs in
     * single precision.
     */
    void addsUpInDoublePrecision() {
        int length = 9000;
        double[] cancelling = new double[length];
        double[] ones = new double[length];
        double[] oneLarge = new double[length];
        for (int i = 0; i < length; i++) {
            cancelling[i] = i % 1000 == 0 ? 1 : 0;
            ones[i] = 1;
            oneLarge[i] = 1;
        }
        cancelling[0] = 3e7;
        cancelling[5500] = -3e7;
        oneLarge[0] = 1e4;
        both.compareOnce("sums of small and large terms", side -> {
            var contractions = side.backend().contractions();
            Tensor tiles = side.upload(Shape.of(1, length), cancelling);
            Tensor vectors = side.upload(Shape.of(1, length), ones);
            Tensor rowDots = side.dirty(1);
            contractions.rowDots(tiles, vectors, rowDots);
            Tensor short3 = side.dirty(1);
            contractions.rowDots(
                    side.upload(Shape.of(1, 3), 3e7, 1, -3e7), side.upload(Shape.of(1, 3), 1, 1, 1), short3);
            Tensor total = side.dirty();
            side.backend().reductions().total(tiles, total);
            Tensor dots = side.dirty(1, 1);
            contractions.consume(tiles, 0, 1, List.of(new TileConsumer.Dot(vectors, dots)));
            Tensor norms = side.dirty(1);
            Tensor positive = side.upload(Shape.of(1, length), oneLarge);
            contractions.consume(positive, 0, 1, List.of(new TileConsumer.SquaredNorms(norms)));
            return List.of(rowDots, short3, total, dots, norms);
        });
    }

    /** One of each kind; destinations that sum hold numbers, the others none. */
    static List<TileConsumer> consumers(BackendSide side, long batch, long samples, Shape tile) {
        List<TileConsumer> consumers = new ArrayList<>();
        for (long runs : new long[] {1, Math.max(1, batch / samples), Math.max(1, batch)}) {
            consumers.add(new TileConsumer.Sum(side.tensor(tile.prepend(runs))));
        }
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), null, null));
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), side.tensor(tile), null));
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), null, side.tensor(batch)));
        consumers.add(new TileConsumer.SumOfSquares(side.tensor(tile), side.tensor(tile), side.tensor(batch)));
        consumers.add(new TileConsumer.SumOfSquaresPerSample(side.tensor(tile.prepend(samples))));
        consumers.add(new TileConsumer.SumOfSquaresPerSample(side.tensor(tile.prepend(samples)), side.tensor(batch)));
        consumers.add(new TileConsumer.SquaredNorms(side.dirty(batch)));
        consumers.add(new TileConsumer.Extremes(side.tensor(3)));
        consumers.add(new TileConsumer.Copy(side.dirty(tile.prepend(batch))));
        consumers.add(new TileConsumer.Dot(side.tensor(tile.prepend(2)), side.dirty(2, batch)));
        for (long runs : new long[] {1, Math.max(1, batch / samples)}) {
            consumers.add(new TileConsumer.DotWithSum(side.dirty(tile.prepend(batch)), side.dirty(runs, batch / runs)));
        }
        consumers.add(new TileConsumer.WeightedSum(side.tensor(2, batch), side.tensor(tile.prepend(2))));
        return consumers;
    }
}
