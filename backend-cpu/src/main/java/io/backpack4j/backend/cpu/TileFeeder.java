package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Hands single tiles to a consumer, with a compiled primitive. */
interface TileFeeder {

    /** Hands over tile {@code b}. */
    void feed(long tile, long b);

    /** Whether the consumer wants the tiles themselves. */
    default boolean keepsTiles() {
        return false;
    }

    /** Where the consumer wants tile {@code b}, if it keeps tiles. */
    default long place(long b) {
        return 0;
    }

    /** A feeder for every consumer of {@code batch} tiles of {@code elements} numbers each; none if oneDNN is slow at one of them. */
    static Optional<List<TileFeeder>> all(
            DnnlContext context, CpuBackend backend, List<TileConsumer> consumers, long elements, long batch) {
        List<TileFeeder> feeders = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            TileFeeder feeder = of(context, backend, consumer, elements, batch);
            if (feeder == null) {
                return Optional.empty();
            }
            feeders.add(feeder);
        }
        return Optional.of(feeders);
    }

    private static @Nullable TileFeeder of(
            DnnlContext context, CpuBackend backend, TileConsumer consumer, long elements, long batch) {
        long to = backend.own(consumer.destination()).address();
        long bytes = elements * Float.BYTES;
        if (consumer instanceof TileConsumer.Sum sum) {
            long length = Math.max(1, batch / sum.destination().shape().size(0));
            DnnlPrimitive add = context.get(
                    context.key(DnnlKind.ADD).add(elements), Cost.elements(elements), () -> DnnlRecipes.add(elements));
            return (tile, b) -> {
                long sums = to + b / length * bytes;
                add.at(0, sums).at(1, tile).at(2, sums).run(context);
            };
        } else if (consumer instanceof TileConsumer.SumOfSquares squares) {
            return squares(context, backend, squares, to, elements);
        } else if (consumer instanceof TileConsumer.SumOfSquaresPerSample squares) {
            long samples = squares.destination().shape().size(0);
            DnnlPrimitive add = squares(context, elements, false, false);
            return (tile, b) -> add.at(0, tile)
                    .at(1, tile)
                    .at(2, to + b % samples * bytes)
                    .at(3, to + b % samples * bytes)
                    .run(context);
        } else if (consumer instanceof TileConsumer.SquaredNorms) {
            DnnlPrimitive dot = product(context, 1, elements, 1, 1, 1, 0);
            return (tile, b) ->
                    dot.at(0, tile).at(1, tile).at(2, to + b * Float.BYTES).run(context);
        } else if (consumer instanceof TileConsumer.Dot dot) {
            long vectors = backend.own(dot.vectors()).address();
            long count = dot.vectors().shape().size(0);
            DnnlPrimitive dots = product(context, count, elements, 1, 1, batch, 0);
            return (tile, b) ->
                    dots.at(0, vectors).at(1, tile).at(2, to + b * Float.BYTES).run(context);
        } else if (consumer instanceof TileConsumer.WeightedSum weighted) {
            long weights = backend.own(weighted.weights()).address();
            long count = weighted.weights().shape().size(0);
            DnnlPrimitive add = product(context, count, 1, elements, batch, elements, 1);
            return (tile, b) ->
                    add.at(0, weights + b * Float.BYTES).at(1, tile).at(2, to).run(context);
        } else {
            return new Keeper(context, to, elements);
        }
    }

    private static @Nullable TileFeeder squares(
            DnnlContext context, CpuBackend backend, TileConsumer.SumOfSquares squares, long to, long elements) {
        Tensor center = squares.center();
        Tensor weights = squares.weights();
        DnnlPrimitive add = squares(context, elements, center != null, weights != null);
        long from = center == null ? 0 : backend.own(center).address();
        long firstWeight = weights == null ? 0 : backend.own(weights).address();
        return (tile, b) -> {
            add.at(0, tile).at(1, center == null ? tile : from);
            if (weights != null) {
                add.at(4, firstWeight + b * Float.BYTES);
            }
            add.at(2, to).at(3, to);
            add.run(context);
        };
    }

    private static DnnlPrimitive squares(DnnlContext context, long elements, boolean center, boolean weight) {
        PrimitiveKey key =
                context.key(DnnlKind.SQUARES).add(elements).add(center ? 1 : 0).add(weight ? 1 : 0);
        return context.get(key, Cost.elements(elements), () -> DnnlRecipes.squares(elements, center, weight));
    }

    /** [m, k] · [k, n] with rows of the left operand and of the result some distance apart. */
    private static DnnlPrimitive product(
            DnnlContext context, long m, long k, long n, long leftRow, long resultRow, double beta) {
        long leftStride = k == 1 ? leftRow : k;
        PrimitiveKey key = context.key(DnnlKind.STRIDED)
                .add(m)
                .add(k)
                .add(n)
                .add(leftStride)
                .add(resultRow)
                .add(beta);
        return context.get(
                key,
                Cost.product(m, n, k),
                () -> DnnlRecipes.matmul(
                        new Layout(new long[] {m, k}, new long[] {leftStride, 1}),
                        Layout.dense(k, n),
                        new Layout(new long[] {m, n}, new long[] {resultRow, 1}),
                        beta));
    }

    /** Wants tiles in place, or copies them there. */
    record Keeper(DnnlContext context, long to, long elements) implements TileFeeder {

        @Override
        public boolean keepsTiles() {
            return true;
        }

        @Override
        public long place(long b) {
            return to + b * elements * Float.BYTES;
        }

        @Override
        public void feed(long tile, long b) {
            context.get(
                            context.key(DnnlKind.COPY).add(elements),
                            Cost.elements(elements),
                            () -> DnnlRecipes.reorder(Layout.dense(elements), Layout.dense(elements)))
                    .at(0, tile)
                    .at(1, place(b))
                    .run(context);
        }
    }
}
