// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.HistogramLoop;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.TileConsumerVisitor;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;

/**
 * Weight gradients of single samples, one at a time. A tile lies in the order in which oneDNN makes it; consumers that
 * add up do so in that order and are brought to the row-major order once at the end, those that keep tiles get each of
 * them reordered.
 */
final class ConvolutionTiles {

    private static final int INPUTS = 0;
    private static final int OUTPUTS = 1;
    private static final int TILE = 2;

    private final NativeBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final PerSampleConvolution product;
    private final ConvolutionSizes sizes;
    private final DnnlPrimitive primitive;
    private final DnnlPrimitive toTile;
    private final DnnlPrimitive fromTile;
    private final DnnlPrimitive add;
    private final DnnlPrimitive addTiles;
    private final long elements;

    private ConvolutionTiles(
            NativeBackend backend,
            DnnlContext context,
            TensorScope scope,
            PerSampleConvolution product,
            ConvolutionSizes sizes,
            DnnlPrimitive primitive) {
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        this.product = product;
        this.sizes = sizes;
        this.primitive = primitive;
        this.elements = primitive.bytes(TILE) / Float.BYTES;
        Layout weights = sizes.weightLayout();
        double cost = Cost.elements(elements);
        toTile = context.get(
                sizes.key(context, DnnlKind.WEIGHTS_TO_TILE),
                cost,
                () -> ConvolutionRecipes.weightsTo(weights, primitive, TILE));
        fromTile = context.get(
                sizes.key(context, DnnlKind.WEIGHTS_FROM),
                cost,
                () -> ConvolutionRecipes.weightsFrom(primitive, TILE, weights));
        long count = sizes.weightElements();
        add = add(count);
        addTiles = add(elements);
    }

    private DnnlPrimitive add(long count) {
        return context.get(context.key(DnnlKind.ADD).add(count), Cost.elements(count), () -> DnnlRecipes.add(count));
    }

    /** Tiles that are the sums of {@code joined} samples; nothing if oneDNN is slow at them. */
    static Optional<ConvolutionTiles> of(
            NativeBackend backend, DnnlContext context, TensorScope scope, PerSampleConvolution product, long joined) {
        return of(backend, context, scope, product, sizes(product, joined));
    }

    /** Tiles of single samples, of rounded operands if that pays; nothing if oneDNN is slow at them. */
    static Optional<ConvolutionTiles> ofOne(
            NativeBackend backend, DnnlContext context, TensorScope scope, PerSampleConvolution product) {
        ConvolutionSizes sizes = sizes(product, 1);
        return sizes.paysRounding(context)
                ? of(backend, context, scope, product, sizes.rounded(true))
                        .or(() -> of(backend, context, scope, product, sizes))
                : of(backend, context, scope, product, sizes);
    }

    private static ConvolutionSizes sizes(PerSampleConvolution product, long joined) {
        return ConvolutionSizes.of(
                product.window(),
                joined,
                product.inputs().shape(),
                product.outputs().shape(),
                product.weight());
    }

    private static Optional<ConvolutionTiles> of(
            NativeBackend backend,
            DnnlContext context,
            TensorScope scope,
            PerSampleConvolution product,
            ConvolutionSizes sizes) {
        if (!sizes.isExpressible() || DnnlFaults.weightGradientFails(sizes)) {
            return Optional.empty();
        }
        DnnlPrimitive primitive = context.get(
                sizes.key(context, DnnlKind.CONVOLUTION_WEIGHTS),
                sizes.cost(),
                () -> ConvolutionRecipes.backwardWeights(sizes));
        if (!primitive.usable()) {
            return Optional.empty();
        }
        var tiles = new ConvolutionTiles(backend, context, scope, product, sizes, primitive);
        boolean usable =
                tiles.toTile.usable() && tiles.fromTile.usable() && tiles.add.usable() && tiles.addTiles.usable();
        return usable ? Optional.of(tiles) : Optional.empty();
    }

    /**
     * Adds up the tiles of each of the destination's runs; nothing is done if runs are not whole tiles.
     *
     * @param accumulate whether the sums are added to the destination, or written over it
     */
    boolean sum(SamplePlanes inputs, SamplePlanes outputs, boolean accumulate, CpuTensor destination) {
        long joined = sizes.windows().batch;
        long runs = destination.shape().size(0);
        if (product.batch() % (runs * joined) != 0) {
            return false;
        }
        long length = product.batch() / runs;
        long tile = backend.singles(scope, Shape.of(elements)).address();
        long sum = length == joined
                ? tile
                : backend.singles(scope, Shape.of(elements)).address();
        long rowMajor = accumulate
                ? backend.singles(scope, Shape.of(sizes.weightElements())).address()
                : 0;
        for (long run = 0; run < runs; run++) {
            make(inputs, outputs, run * length, sum);
            for (long b = joined; b < length; b += joined) {
                make(inputs, outputs, run * length + b, tile);
                addTiles.at(0, sum).at(1, tile).at(2, sum).run(context);
            }
            long to = destination.address() + run * sizes.weightElements() * Float.BYTES;
            if (accumulate) {
                addTo(to, sum, rowMajor);
            } else {
                fromTile.at(0, sum).at(1, to).run(context);
            }
        }
        return true;
    }

    /** Makes every tile and hands it to the consumers; nothing is done if oneDNN is slow at one of them. */
    boolean feed(SamplePlanes inputs, SamplePlanes outputs, List<TileConsumer> consumers) {
        if (sizes.rounded()) {
            long samples = product.inputs().shape().size(0);
            return feedAsTheyAre(
                    inputs.rounded(backend, scope, samples), outputs.rounded(backend, scope, samples), consumers);
        }
        return feedAsTheyAre(inputs, outputs, consumers);
    }

    private boolean feedAsTheyAre(SamplePlanes inputs, SamplePlanes outputs, List<TileConsumer> consumers) {
        List<TileConsumer> inTileOrder = new ArrayList<>();
        List<TileConsumer> rowMajor = new ArrayList<>();
        List<Runnable> afterwards = new ArrayList<>();
        for (TileConsumer consumer : consumers) {
            consumer.accept(new InTileOrder(afterwards))
                    .ifPresentOrElse(inTileOrder::add, () -> rowMajor.add(consumer));
        }
        Optional<List<TileFeeder>> ordered =
                new TileFeeders(backend, context, elements, product.batch()).of(inTileOrder);
        Optional<List<TileFeeder>> plain =
                new TileFeeders(backend, context, sizes.weightElements(), product.batch()).of(rowMajor);
        if (ordered.isEmpty() || plain.isEmpty()) {
            return false;
        }
        feed(inputs, outputs, ordered.get(), plain.get());
        afterwards.forEach(Runnable::run);
        return true;
    }

    private void feed(SamplePlanes inputs, SamplePlanes outputs, List<TileFeeder> ordered, List<TileFeeder> plain) {
        long tile = backend.singles(scope, Shape.of(elements)).address();
        List<TileFeeder> others = new ArrayList<>(plain);
        LongUnaryOperator place = place(others);
        // all columns of a sample, one after the other, share what one side of their products reads; planes that are
        // written a few at a time are
        // used before the next ones
        long samples = product.samples();
        long run = inputs.ready() && outputs.ready() ? 1 : Math.min(inputs.run(), outputs.run());
        for (long first = 0; first < samples; first += run) {
            for (long column = 0; column < product.batch(); column += samples) {
                for (long b = column + first; b < column + Math.min(samples, first + run); b++) {
                    make(inputs, outputs, b, tile);
                    for (TileFeeder feeder : ordered) {
                        feeder.feed(tile, b);
                    }
                    if (!plain.isEmpty()) {
                        long rowMajor = place.applyAsLong(b);
                        fromTile.at(0, tile).at(1, rowMajor).run(context);
                        for (TileFeeder feeder : others) {
                            feeder.feed(rowMajor, b);
                        }
                    }
                }
            }
        }
    }

    /**
     * Destination of row-major tiles: the first consumer that keeps them, which needs no feeding then, or memory of
     * their own.
     */
    private LongUnaryOperator place(List<TileFeeder> plain) {
        for (int i = 0; i < plain.size(); i++) {
            LongUnaryOperator place = plain.get(i).place();
            if (place != null) {
                plain.remove(i);
                return place;
            }
        }
        if (plain.isEmpty()) {
            return b -> 0;
        }
        long address = backend.singles(scope, Shape.of(sizes.weightElements())).address();
        return b -> address;
    }

    private void make(SamplePlanes inputs, SamplePlanes outputs, long b, long tile) {
        primitive
                .at(INPUTS, inputs.at(b))
                .at(OUTPUTS, outputs.at(b))
                .at(TILE, tile)
                .run(context);
    }

    /** A consumer like the visited one that works in the order of tiles; empty if it wants single tiles row-major. */
    private final class InTileOrder implements TileConsumerVisitor.OfSome<Optional<TileConsumer>> {

        private final List<Runnable> afterwards;

        InTileOrder(List<Runnable> afterwards) {
            this.afterwards = afterwards;
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.Sum sum) {
            return Optional.of(new TileConsumer.Sum(sums(sum.destination(), afterwards)));
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.SumOfSquares squares) {
            Tensor center = squares.center();
            return Optional.of(new TileConsumer.SumOfSquares(
                    sums(squares.destination(), afterwards),
                    center == null ? null : reordered(center),
                    squares.weights()));
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.SquaredNorms norms) {
            return Optional.of(norms);
        }

        /** Numbers that only fill up a tile are zero: where there are any, no extremes are found in this order. */
        @Override
        public Optional<TileConsumer> visit(TileConsumer.Extremes extremes) {
            return elements == sizes.weightElements() ? Optional.of(extremes) : Optional.empty();
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.Dot dot) {
            return Optional.of(new TileConsumer.Dot(reordered(dot.vectors()), dot.destination()));
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.WeightedSum weighted) {
            return Optional.of(
                    new TileConsumer.WeightedSum(weighted.weights(), sums(weighted.destination(), afterwards)));
        }

        /** Numbers that only fill up a tile are counted as zeros, too, and taken away afterwards. */
        @Override
        public Optional<TileConsumer> visit(TileConsumer.Histogram histogram) {
            uncount(() ->
                    new HistogramLoop(backend.team(), histogram.range(), histogram.factor(), histogram.destination()));
            return Optional.of(histogram);
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.JointHistogram histogram) {
            Tensor values = reordered(histogram.values());
            uncount(() -> new HistogramLoop(
                    backend.team(),
                    histogram.ranges(),
                    histogram.factor(),
                    histogram.values(),
                    histogram.destination()));
            return Optional.of(new TileConsumer.JointHistogram(
                    histogram.destination(), histogram.ranges(), histogram.factor(), values));
        }

        private void uncount(Supplier<HistogramLoop> loop) {
            long zeros = (elements - sizes.weightElements()) * product.batch();
            if (zeros > 0) {
                afterwards.add(() -> loop.get().subtractZeros(zeros));
            }
        }

        @Override
        public Optional<TileConsumer> visitOther(TileConsumer consumer) {
            return Optional.empty();
        }
    }

    /** Zeros in the order of tiles for {@code destination}, to which they are added afterwards. */
    private Tensor sums(Tensor destination, List<Runnable> afterwards) {
        CpuTensor to = backend.own(destination);
        long count = to.elements / sizes.weightElements();
        CpuTensor sums = backend.singles(scope, Shape.of(count, elements));
        backend.elementwise().fill(sums, 0);
        afterwards.add(() -> {
            long rowMajor =
                    backend.singles(scope, Shape.of(sizes.weightElements())).address();
            for (long i = 0; i < count; i++) {
                addTo(
                        to.address() + i * sizes.weightElements() * Float.BYTES,
                        sums.address() + i * elements * Float.BYTES,
                        rowMajor);
            }
        });
        return sums;
    }

    /** Adds a tile to numbers in row-major order, by way of {@code rowMajor}. */
    private void addTo(long destination, long tile, long rowMajor) {
        fromTile.at(0, tile).at(1, rowMajor).run(context);
        add.at(0, destination).at(1, rowMajor).at(2, destination).run(context);
    }

    /** Tensors of the weight's shape in the order of tiles. */
    private Tensor reordered(Tensor tensors) {
        CpuTensor from = backend.own(tensors);
        long count = from.elements / sizes.weightElements();
        CpuTensor to = backend.singles(scope, Shape.of(count, elements));
        for (long i = 0; i < count; i++) {
            toTile.at(0, from.address() + i * sizes.weightElements() * Float.BYTES)
                    .at(1, to.address() + i * elements * Float.BYTES)
                    .run(context);
        }
        return to;
    }
}
