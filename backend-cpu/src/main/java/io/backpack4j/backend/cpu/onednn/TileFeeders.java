// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.DotLoop;
import io.backpack4j.backend.cpu.loops.ExtremeLoops;
import io.backpack4j.backend.cpu.loops.HistogramLoop;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.TileConsumerVisitor;
import io.backpack4j.spi.backend.portable.PortableDotsWithSum;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Makes feeders for tiles of one size, with compiled primitives. */
final class TileFeeders implements TileConsumerVisitor<TileFeeder> {

    private final NativeBackend backend;
    private final DnnlContext context;
    private final Team team;
    private final long elements;
    private final long bytes;
    private final long batch;

    /**
     * For {@code batch} tiles of {@code elements} numbers each.
     *
     * @param team takes parts of a tile's loops
     */
    TileFeeders(NativeBackend backend, DnnlContext context, Team team, long elements, long batch) {
        this.backend = backend;
        this.context = context;
        this.team = team;
        this.elements = elements;
        this.bytes = elements * Float.BYTES;
        this.batch = batch;
    }

    /** A feeder per consumer; nothing if oneDNN is slow at one of them. */
    Optional<List<TileFeeder>> of(List<TileConsumer> consumers) {
        List<TileFeeder> feeders = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            TileFeeder feeder = consumer.accept(this);
            if (!feeder.usable()) {
                return Optional.empty();
            }
            feeders.add(feeder);
        }
        return Optional.of(feeders);
    }

    @Override
    public TileFeeder visit(TileConsumer.Sum sum) {
        long to = address(sum.destination());
        long length = Math.max(1, batch / sum.destination().shape().size(0));
        DnnlPrimitive add = context.get(
                context.key(DnnlKind.ADD).add(elements), Cost.elements(elements), () -> DnnlRecipes.add(elements));
        return new TileFeeder(add, (primitive, tile, b) -> {
            long sums = to + b / length * bytes;
            primitive.at(0, sums).at(1, tile).at(2, sums).run(context);
        });
    }

    @Override
    public TileFeeder visit(TileConsumer.SumOfSquares squares) {
        Tensor center = squares.center();
        Tensor weights = squares.weights();
        DnnlPrimitive add = squares(center != null, weights != null);
        long to = address(squares.destination());
        long from = center == null ? 0 : address(center);
        long firstWeight = weights == null ? 0 : address(weights);
        return new TileFeeder(add, (primitive, tile, b) -> {
            primitive.at(0, tile).at(1, center == null ? tile : from).at(2, to).at(3, to);
            if (weights != null) {
                primitive.at(4, firstWeight + b * Float.BYTES);
            }
            primitive.run(context);
        });
    }

    @Override
    public TileFeeder visit(TileConsumer.SumOfSquaresPerSample squares) {
        Tensor weights = squares.weights();
        long to = address(squares.destination());
        long samples = squares.destination().shape().size(0);
        long firstWeight = weights == null ? 0 : address(weights);
        return new TileFeeder(squares(false, weights != null), (primitive, tile, b) -> {
            long sums = to + b % samples * bytes;
            primitive.at(0, tile).at(1, tile).at(2, sums).at(3, sums);
            if (weights != null) {
                primitive.at(4, firstWeight + b * Float.BYTES);
            }
            primitive.run(context);
        });
    }

    private DnnlPrimitive squares(boolean center, boolean weight) {
        PrimitiveKey key =
                context.key(DnnlKind.SQUARES).add(elements).add(center ? 1 : 0).add(weight ? 1 : 0);
        return context.get(key, Cost.elements(elements), () -> DnnlRecipes.squares(elements, center, weight));
    }

    @Override
    public TileFeeder visit(TileConsumer.SquaredNorms norms) {
        CpuTensor to = backend.own(norms.destination());
        return new TileFeeder(
                List.of(), (tile, b) -> to.block.putFloat(to.at(b), (float) DotLoop.of(team, tile, tile, elements)));
    }

    @Override
    public TileFeeder visit(TileConsumer.Extremes extremes) {
        CpuTensor to = backend.own(extremes.destination());
        return new TileFeeder(List.of(), (tile, b) -> ExtremeLoops.raise(team, tile, elements, to));
    }

    @Override
    public TileFeeder visit(TileConsumer.Dot dot) {
        long vectors = address(dot.vectors());
        long count = dot.vectors().shape().size(0);
        CpuTensor to = backend.own(dot.destination());
        return new TileFeeder(List.of(), (tile, b) -> {
            for (long k = 0; k < count; k++) {
                double inner = DotLoop.of(team, tile, vectors + k * bytes, elements);
                to.block.putFloat(to.at(k * batch + b), (float) inner);
            }
        });
    }

    @Override
    public TileFeeder visit(TileConsumer.DotWithSum dots) {
        TileFeeder copy = new TileConsumer.Copy(dots.kept()).accept(this);
        return new TileFeeder(copy.primitives(), copy.step(), () -> finish(backend, dots, null), copy.place());
    }

    /**
     * Makes inner products of kept tiles with their sums.
     *
     * @param sums {@code [R, *p]} in the tiles' order, or null to make them
     */
    static void finish(NativeBackend backend, TileConsumer.DotWithSum dots, @Nullable Tensor sums) {
        if (sums == null) {
            PortableDotsWithSum.finish(backend, dots);
            return;
        }
        long runs = dots.destination().shape().size(0);
        long length = dots.destination().shape().size(1);
        CpuTensor kept = backend.own(dots.kept());
        CpuTensor to = backend.own(dots.destination());
        long elements = kept.elements / (runs * length);
        for (long run = 0; run < runs; run++) {
            long first = run * length;
            DotLoop.ofRows(
                    backend.team(),
                    length,
                    kept.address() + first * elements * Float.BYTES,
                    backend.own(sums).address() + run * elements * Float.BYTES,
                    elements,
                    (row, dot) -> to.block.putFloat(to.at(first + row), (float) dot));
        }
    }

    @Override
    public TileFeeder visit(TileConsumer.WeightedSum weighted) {
        long weights = address(weighted.weights());
        long to = address(weighted.destination());
        DnnlPrimitive add = product(weighted.weights().shape().size(0), 1, elements, batch, elements, 1);
        return new TileFeeder(
                add,
                (primitive, tile, b) -> primitive
                        .at(0, weights + b * Float.BYTES)
                        .at(1, tile)
                        .at(2, to)
                        .run(context));
    }

    /** [m, k] · [k, n] with rows of the left operand and of the result some distance apart. */
    private DnnlPrimitive product(long m, long k, long n, long leftRow, long resultRow, double beta) {
        PrimitiveKey key = context.key(DnnlKind.STRIDED)
                .add(m)
                .add(k)
                .add(n)
                .add(leftRow)
                .add(resultRow)
                .add(beta);
        return context.get(
                key,
                Cost.product(m, n, k),
                () -> DnnlRecipes.matmul(
                        new Layout(new long[] {m, k}, new long[] {leftRow, 1}),
                        Layout.dense(k, n),
                        new Layout(new long[] {m, n}, new long[] {resultRow, 1}),
                        beta));
    }

    @Override
    public TileFeeder visit(TileConsumer.Copy consumer) {
        long to = address(consumer.destination());
        LongUnaryOperator place = b -> to + b * bytes;
        DnnlPrimitive copy = context.get(
                context.key(DnnlKind.COPY).add(elements),
                Cost.elements(elements),
                () -> DnnlRecipes.reorder(Layout.dense(elements), Layout.dense(elements)));
        return new TileFeeder(
                copy,
                (primitive, tile, b) ->
                        primitive.at(0, tile).at(1, place.applyAsLong(b)).run(context),
                place);
    }

    @Override
    public TileFeeder visit(TileConsumer.Histogram histogram) {
        return counting(new HistogramLoop(team, histogram.range(), histogram.factor(), histogram.destination()));
    }

    @Override
    public TileFeeder visit(TileConsumer.JointHistogram histogram) {
        return counting(new HistogramLoop(
                team, histogram.ranges(), histogram.factor(), histogram.values(), histogram.destination()));
    }

    private TileFeeder counting(HistogramLoop loop) {
        return new TileFeeder(List.of(), (tile, b) -> loop.add(tile, elements), loop::store, null);
    }

    private long address(Tensor tensor) {
        return backend.own(tensor).address();
    }
}
