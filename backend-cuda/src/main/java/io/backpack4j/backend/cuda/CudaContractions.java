// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.TileConsumerVisitor;
import io.backpack4j.spi.backend.portable.PortableDotsWithSum;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs of tiles, made by one batch of products and consumed while they are in the device's cache. All consumers that
 * add up over tiles share one kernel, which reads every tile once.
 */
final class CudaContractions implements Contractions {

    /** Most memory for one run, unless one tile takes more: plans reckon with it. */
    static final long RUN_BYTES = 4 << 20;

    /** Consumers of one kernel; MOST_CONSUMERS there. */
    private static final int MOST_CONSUMERS = 4;

    /** Threads that adding up aims at, and the fewest tiles that are worth a thread. */
    private static final long THREADS = 1 << 14;

    private static final long TILES_PER_THREAD = 64;

    private final CudaBackend backend;

    CudaContractions(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public void contract(PerSampleProduct product, List<TileConsumer> consumers) {
        Shape tile = product.tile();
        long batch = product.batch();
        long samples = product.samples();
        long run = runLength(tile.elements(), product.left(), samples);
        for (long column = 0; column < batch; column += samples) {
            for (long from = 0; from < samples; from += run) {
                long count = Math.min(run, samples - from);
                try (CudaScope scope = backend.openScope()) {
                    CudaTensor tiles =
                            scope.allocate(tile.prepend(count), product.left().dtype());
                    backend.products()
                            .multiply(
                                    scope.rows(product.left(), column + from, column + from + count),
                                    product.leftTransposed(),
                                    scope.rows(product.right(), from, from + count),
                                    product.rightTransposed(),
                                    1,
                                    0,
                                    tiles);
                    consumeRun(scope, tiles, column + from, batch, consumers);
                }
            }
        }
    }

    @Override
    public void consume(Tensor tiles, long first, long batch, List<TileConsumer> consumers) {
        CudaTensor all = backend.own(tiles);
        long count = all.size(0);
        if (count == 0) {
            return;
        }
        long run = runLength(all.elements / count, all, count);
        for (long from = 0; from < count; from += run) {
            long to = Math.min(count, from + run);
            try (CudaScope scope = backend.openScope()) {
                consumeRun(scope, scope.rows(all, from, to), first + from, batch, consumers);
            }
        }
    }

    @Override
    public void rowDots(Tensor a, Tensor b, Tensor destination) {
        CudaTensor left = backend.own(a);
        CudaTensor right = backend.own(b);
        CudaTensor out = backend.own(destination);
        backend.reductions().rowDots(left, right, out.elements, out);
    }

    private static long runLength(long elements, Tensor like, long period) {
        long bytes = Math.max(1, elements * like.dtype().bytes());
        return Math.max(1, Math.min(period, RUN_BYTES / bytes));
    }

    /** A sum over tiles of a run, in one tensor of a tile's size. */
    private record Total(
            CudaTensor destination,
            boolean squares,
            @Nullable CudaTensor center,
            @Nullable CudaTensor weights) {}

    private void consumeRun(CudaScope scope, CudaTensor run, long first, long batch, List<TileConsumer> consumers) {
        long count = run.size(0);
        long elements = run.elements / count;
        CudaTensor rows = scope.view(run, Shape.of(count, elements));
        List<Total> totals = new ArrayList<>();
        Consumption consumption = new Consumption(scope, rows, first, batch, totals);
        consumers.forEach(consumer -> consumer.accept(consumption).run());
        for (int from = 0; from < totals.size(); from += MOST_CONSUMERS) {
            add(rows, first, totals.subList(from, Math.min(totals.size(), from + MOST_CONSUMERS)));
        }
    }

    private @Nullable CudaTensor own(@Nullable Tensor tensor) {
        return tensor == null ? null : backend.own(tensor);
    }

    /**
     * A sum that all tiles of the run belong to is left to be made with others; else parts of the run go to their own.
     */
    private void addRuns(
            CudaScope scope, CudaTensor rows, long first, long batch, CudaTensor destination, List<Total> totals) {
        long length = batch / destination.size(0);
        long count = rows.size(0);
        for (long from = 0; from < count; ) {
            long group = (first + from) / length;
            long to = Math.min(count, (group + 1) * length - first);
            Total total = new Total(scope.rows(destination, group, group + 1), false, null, null);
            if (to - from == count) {
                totals.add(total);
            } else {
                add(scope.rows(rows, from, to), first + from, List.of(total));
            }
            from = to;
        }
    }

    /** Adds the run to all totals. Long runs of small tiles are cut into chunks, whose sums are added up in turn. */
    private void add(CudaTensor rows, long first, List<Total> totals) {
        long count = rows.size(0);
        long elements = rows.size(1);
        if (elements == 0) {
            return;
        }
        long wanted = Math.min((count + TILES_PER_THREAD - 1) / TILES_PER_THREAD, Math.max(1, THREADS / elements));
        long length = (count + wanted - 1) / wanted;
        long chunks = (count + length - 1) / length;
        if (chunks == 1) {
            launch(rows, first, 1, length, totals);
            return;
        }
        try (CudaScope scope = backend.openScope()) {
            List<Total> parts = new ArrayList<>();
            for (Total total : totals) {
                CudaTensor part = scope.allocate(Shape.of(chunks, elements), rows.dtype());
                backend.elementwise().fill(part, 0);
                parts.add(new Total(part, total.squares(), total.center(), total.weights()));
            }
            launch(rows, first, chunks, length, parts);
            CudaTensor sum = scope.allocate(Shape.of(elements), rows.dtype());
            for (int i = 0; i < parts.size(); i++) {
                backend.reductions().reduce(Reduction.SUM, parts.get(i).destination(), 0, 1, sum);
                backend.elementwise().addScaled(1, sum, scope.view(totals.get(i).destination(), sum.shape()));
            }
        }
    }

    private void launch(CudaTensor rows, long first, long chunks, long length, List<Total> totals) {
        Operation operation = backend.operation("sums of tiles").reads(rows);
        Arguments arguments = new Arguments()
                .tensor(rows)
                .number(rows.size(0))
                .number(first)
                .number(rows.size(1))
                .number(chunks)
                .number(length)
                .number(totals.size());
        for (int i = 0; i < MOST_CONSUMERS; i++) {
            if (i < totals.size()) {
                Total total = totals.get(i);
                arguments
                        .tensor(total.destination())
                        .optional(total.center())
                        .optional(total.weights())
                        .number(total.squares() ? 1 : 0);
                operation.writes(total.destination()).readsOptional(total.center(), total.weights());
            } else {
                arguments.number(0).number(0).number(0).number(0);
            }
        }
        operation.launch(
                KernelFile.CONTRACTIONS,
                rows.dtype(),
                "consume_elements",
                Grid.threads(chunks * rows.size(1)),
                arguments);
    }

    private void addPerSample(CudaTensor rows, long first, CudaTensor destination, @Nullable CudaTensor weights) {
        long count = rows.size(0);
        long elements = rows.size(1);
        long samples = destination.size(0);
        if (elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(rows)
                .tensor(destination)
                .optional(weights)
                .number(count)
                .number(first)
                .number(elements)
                .number(samples);
        backend.operation("squares of tiles")
                .reads(rows)
                .readsOptional(weights)
                .writes(destination)
                .launch(
                        KernelFile.CONTRACTIONS,
                        rows.dtype(),
                        "consume_samples",
                        Grid.threads(Math.min(count, samples) * elements),
                        arguments);
    }

    /** Maxima of −x, x and |x|. */
    private void raise(CudaScope scope, CudaTensor rows, CudaTensor destination) {
        if (rows.elements == 0) {
            return;
        }
        var ops = backend.elementwise();
        CudaTensor found = scope.allocate(Shape.of(3), rows.dtype());
        CudaTensor flat = scope.view(rows, Shape.of(rows.elements));
        CudaTensor smallest = scope.view(scope.rows(found, 0, 1), Shape.of());
        CudaTensor largest = scope.view(scope.rows(found, 1, 2), Shape.of());
        backend.reductions().reduce(Reduction.MINIMUM, flat, 0, 1, smallest);
        ops.affine(smallest, -1, 0, smallest);
        backend.reductions().reduce(Reduction.MAXIMUM, flat, 0, 1, largest);
        ops.combine(BinaryOperation.MAXIMUM, smallest, largest, scope.view(scope.rows(found, 2, 3), Shape.of()));
        ops.combine(BinaryOperation.MAXIMUM, destination, found, destination);
    }

    private void dots(CudaScope scope, CudaTensor rows, long first, long batch, TileConsumer.Dot dot) {
        long count = rows.size(0);
        CudaTensor vectors =
                scope.view(dot.vectors(), Shape.of(dot.vectors().shape().size(0), rows.size(1)));
        CudaTensor values = scope.view(dot.destination(), Shape.of(vectors.size(0) * batch));
        for (long k = 0; k < vectors.size(0); k++) {
            long from = k * batch + first;
            CudaTensor target = scope.rows(values, from, from + count);
            backend.reductions().rowDots(rows, scope.rows(vectors, k, k + 1), count, target);
        }
    }

    /**
     * Work of each consumer with rows, {@code [count, P]}, of which the first is tile number {@code first}; sums over
     * the run are left to be fused.
     */
    private final class Consumption implements TileConsumerVisitor<Runnable> {

        private final CudaScope scope;
        private final CudaTensor rows;
        private final long first;
        private final long count;
        private final long batch;
        private final List<Total> totals;

        Consumption(CudaScope scope, CudaTensor rows, long first, long batch, List<Total> totals) {
            this.scope = scope;
            this.rows = rows;
            this.first = first;
            this.count = rows.size(0);
            this.batch = batch;
            this.totals = totals;
        }

        @Override
        public Runnable visit(TileConsumer.Sum sum) {
            return () -> addRuns(scope, rows, first, batch, backend.own(sum.destination()), totals);
        }

        @Override
        public Runnable visit(TileConsumer.SumOfSquares squares) {
            return () -> totals.add(
                    new Total(backend.own(squares.destination()), true, own(squares.center()), own(squares.weights())));
        }

        @Override
        public Runnable visit(TileConsumer.SumOfSquaresPerSample squares) {
            return () -> addPerSample(rows, first, backend.own(squares.destination()), own(squares.weights()));
        }

        @Override
        public Runnable visit(TileConsumer.SquaredNorms norms) {
            return () -> backend.reductions()
                    .rowDots(rows, rows, count, scope.rows(norms.destination(), first, first + count));
        }

        @Override
        public Runnable visit(TileConsumer.Extremes extremes) {
            return () -> raise(scope, rows, backend.own(extremes.destination()));
        }

        @Override
        public Runnable visit(TileConsumer.Copy copy) {
            return () -> {
                CudaTensor target = scope.rows(copy.destination(), first, first + count);
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

        @Override
        public Runnable visit(TileConsumer.WeightedSum weighted) {
            return () -> backend.products()
                    .multiplyColumns(
                            backend.own(weighted.weights()), first, rows, count, backend.own(weighted.destination()));
        }
    }
}
