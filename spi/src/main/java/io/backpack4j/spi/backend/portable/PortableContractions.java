// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.TileConsumerVisitor;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Fused contractions made of plain operations: runs of tiles that fit into a fixed amount of memory, each consumed at
 * once.
 */
public final class PortableContractions implements Contractions {

    /** How much memory one run of tiles may take, unless one tile takes more. */
    private static final long RUN_BYTES = 4 << 20;

    private final Backend backend;

    /** Creates the contractions of a backend, made of its plain operations. */
    public PortableContractions(Backend backend) {
        this.backend = backend;
    }

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        Shape tile = product.tile();
        long batch = product.batch();
        long samples = product.samples();
        long run = runLength(tile, product.left(), samples);
        try (TensorScope scope = backend.openScope()) {
            Tensor tiles = scope.allocate(
                    tile.prepend(Math.min(run, samples)), product.left().dtype());
            for (long column = 0; column < batch; column += samples) {
                for (long from = 0; from < samples; from += run) {
                    long count = Math.min(run, samples - from);
                    try (TensorScope step = backend.openScope()) {
                        Tensor current = step.rows(tiles, 0, count);
                        backend.products()
                                .multiply(
                                        step.rows(product.left(), column + from, column + from + count),
                                        product.leftTransposed(),
                                        step.rows(product.right(), from, from + count),
                                        product.rightTransposed(),
                                        1,
                                        0,
                                        current);
                        consumeRun(step, current, column + from, batch, consumers);
                    }
                }
            }
        }
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        long count = tiles.shape().size(0);
        if (count == 0) {
            return;
        }
        long run = runLength(tiles.shape().dropFirst(1), tiles, count);
        for (long from = 0; from < count; from += run) {
            long to = Math.min(count, from + run);
            try (TensorScope step = backend.openScope()) {
                consumeRun(step, step.rows(tiles, from, to), first + from, batch, consumers);
            }
        }
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        new PortableRowDots(backend, a, b).store(destination);
    }

    /** Runs never cross a multiple of {@code period}, so that the samples of a run are neighbours. */
    private static long runLength(Shape tile, Tensor like, long period) {
        long bytes = Math.max(1, tile.elements() * like.dtype().bytes());
        return Math.max(1, Math.min(period, RUN_BYTES / bytes));
    }

    private void consumeRun(TensorScope scope, Tensor run, long first, long batch, List<TileConsumer> consumers) {
        long count = run.shape().size(0);
        long elements = run.shape().elements() / Math.max(1, count);
        Tensor rows = scope.view(run, Shape.of(count, elements));
        Consumption consumption = new Consumption(scope, rows, first, batch);
        consumers.forEach(consumer -> consumer.accept(consumption).run());
    }

    private void addRuns(TensorScope scope, Tensor rows, long first, long batch, Tensor destination) {
        long groups = destination.shape().size(0);
        long length = batch / groups;
        long count = rows.shape().size(0);
        for (long from = 0; from < count; ) {
            long group = (first + from) / length;
            long to = Math.min(count, (group + 1) * length - first);
            Tensor total = scope.allocate(Shape.of(rows.shape().size(1)), rows.dtype());
            backend.reductions().reduce(Reduction.SUM, scope.rows(rows, from, to), 0, 1, total);
            Tensor target = scope.rows(destination, group, group + 1);
            backend.elementwise().addScaled(1, total, scope.view(target, total.shape()));
            from = to;
        }
    }

    private void addSquares(TensorScope scope, Tensor rows, long first, TileConsumer.SumOfSquares squares) {
        var ops = backend.elementwise();
        Tensor squared = scope.allocate(rows.shape(), rows.dtype());
        Shape flat = Shape.of(rows.shape().size(1));
        if (squares.center() != null) {
            ops.combine(BinaryOperation.SUBTRACT, rows, scope.view(squares.center(), flat), squared);
            ops.apply(UnaryOperation.SQUARE, squared, squared);
        } else {
            ops.apply(UnaryOperation.SQUARE, rows, squared);
        }
        multiplyRows(scope, squared, first, squares.weights());
        Tensor total = scope.allocate(flat, rows.dtype());
        backend.reductions().reduce(Reduction.SUM, squared, 0, 1, total);
        ops.addScaled(1, total, scope.view(squares.destination(), flat));
    }

    /** Multiplies every row by its weight, if there are any. */
    private void multiplyRows(TensorScope scope, Tensor rows, long first, @Nullable Tensor weights) {
        if (weights != null) {
            long count = rows.shape().size(0);
            Tensor ofRows = scope.view(scope.rows(weights, first, first + count), Shape.of(count, 1));
            backend.elementwise().combine(BinaryOperation.MULTIPLY, rows, ofRows, rows);
        }
    }

    private void addSquaresPerSample(
            TensorScope scope, Tensor rows, long first, TileConsumer.SumOfSquaresPerSample squares) {
        Tensor destination = squares.destination();
        long samples = destination.shape().size(0);
        long count = rows.shape().size(0);
        Tensor squared = scope.allocate(rows.shape(), rows.dtype());
        backend.elementwise().apply(UnaryOperation.SQUARE, rows, squared);
        multiplyRows(scope, squared, first, squares.weights());
        for (long from = 0; from < count; ) {
            long sample = (first + from) % samples;
            long to = Math.min(count, from + samples - sample);
            Tensor part = scope.rows(squared, from, to);
            Tensor target = scope.rows(destination, sample, sample + to - from);
            backend.elementwise().addScaled(1, part, scope.view(target, part.shape()));
            from = to;
        }
    }

    private void dots(TensorScope scope, Tensor rows, long first, long batch, TileConsumer.Dot dot) {
        long vectors = dot.vectors().shape().size(0);
        long count = rows.shape().size(0);
        Tensor flat = scope.view(dot.vectors(), Shape.of(vectors, rows.shape().size(1)));
        Tensor values = scope.view(dot.destination(), Shape.of(vectors * batch));
        for (long k = 0; k < vectors; k++) {
            long from = k * batch + first;
            backend.contractions().rowDots(rows, scope.rows(flat, k, k + 1), scope.rows(values, from, from + count));
        }
    }

    /** Maxima of −x, x and |x|. */
    private void raise(TensorScope scope, Tensor rows, Tensor destination) {
        if (rows.shape().elements() == 0) {
            return;
        }
        var ops = backend.elementwise();
        Tensor flat = scope.view(rows, Shape.of(rows.shape().elements()));
        Tensor found = scope.allocate(Shape.of(3), rows.dtype());
        Tensor smallest = scope.view(scope.rows(found, 0, 1), Shape.of());
        Tensor largest = scope.view(scope.rows(found, 1, 2), Shape.of());
        backend.reductions().reduce(Reduction.MINIMUM, flat, 0, 1, smallest);
        ops.affine(smallest, -1, 0, smallest);
        backend.reductions().reduce(Reduction.MAXIMUM, flat, 0, 1, largest);
        Tensor magnitude = scope.view(scope.rows(found, 2, 3), Shape.of());
        ops.combine(BinaryOperation.MAXIMUM, smallest, largest, magnitude);
        ops.combine(BinaryOperation.MAXIMUM, destination, found, destination);
    }

    private void addWeighted(TensorScope scope, Tensor rows, long first, TileConsumer.WeightedSum weighted) {
        long sums = weighted.weights().shape().size(0);
        long count = rows.shape().size(0);
        Tensor weights = scope.allocate(Shape.of(sums, count), rows.dtype());
        backend.indexing()
                .extract(
                        weighted.weights(),
                        Region.all(weighted.weights().shape()).with(1, first, count),
                        weights);
        Tensor target =
                scope.view(weighted.destination(), Shape.of(sums, rows.shape().size(1)));
        backend.products().multiply(weights, false, rows, false, 1, 1, target);
    }

    /** What each consumer does with rows, {@code [count, P]}, of which the first is tile number {@code first}. */
    private final class Consumption implements TileConsumerVisitor<Runnable> {

        private final TensorScope scope;
        private final Tensor rows;
        private final long first;
        private final long count;
        private final long batch;

        Consumption(TensorScope scope, Tensor rows, long first, long batch) {
            this.scope = scope;
            this.rows = rows;
            this.first = first;
            this.count = rows.shape().size(0);
            this.batch = batch;
        }

        @Override
        public Runnable visit(TileConsumer.Sum sum) {
            return () -> addRuns(scope, rows, first, batch, sum.destination());
        }

        @Override
        public Runnable visit(TileConsumer.SumOfSquares squares) {
            return () -> addSquares(scope, rows, first, squares);
        }

        @Override
        public Runnable visit(TileConsumer.SumOfSquaresPerSample squares) {
            return () -> addSquaresPerSample(scope, rows, first, squares);
        }

        @Override
        public Runnable visit(TileConsumer.SquaredNorms norms) {
            return () ->
                    backend.contractions().rowDots(rows, rows, scope.rows(norms.destination(), first, first + count));
        }

        @Override
        public Runnable visit(TileConsumer.Extremes extremes) {
            return () -> raise(scope, rows, extremes.destination());
        }

        @Override
        public Runnable visit(TileConsumer.Copy copy) {
            return () -> {
                Tensor target = scope.rows(copy.destination(), first, first + count);
                backend.elementwise().copy(rows, scope.view(target, rows.shape()));
            };
        }

        @Override
        public Runnable visit(TileConsumer.Dot dot) {
            return () -> dots(scope, rows, first, batch, dot);
        }

        @Override
        public Runnable visit(TileConsumer.DotWithSum dots) {
            return () -> PortableDotsWithSum.keep(backend, rows, first, batch, dots);
        }

        @Override
        public Runnable visit(TileConsumer.WeightedSum weighted) {
            return () -> addWeighted(scope, rows, first, weighted);
        }

        @Override
        public Runnable visit(TileConsumer.Histogram histogram) {
            return () -> backend.reductions()
                    .addHistogram(rows, histogram.range(), histogram.factor(), histogram.destination());
        }

        @Override
        public Runnable visit(TileConsumer.JointHistogram histogram) {
            return () -> backend.reductions()
                    .addJointHistogram(
                            rows, histogram.values(), histogram.ranges(), histogram.factor(), histogram.destination());
        }
    }
}
