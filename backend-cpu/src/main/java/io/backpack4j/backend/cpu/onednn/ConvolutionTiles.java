// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.HistogramLoop;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Team;
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
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Weight gradients of single samples, one at a time. A tile lies in the order in which oneDNN makes it; consumers that
 * add up do so in that order and are brought to the row-major order once at the end, those that keep tiles get each of
 * them reordered.
 */
final class ConvolutionTiles {

    private static final int INPUTS = 0;
    private static final int OUTPUTS = 1;
    private static final int TILE = 2;

    /** Larger ones leave a thread's cache before they have been read: threads share each of them. */
    private static final long LARGEST_TILE_BYTES = 1 << 20;

    private static final long SAMPLES_WORTH_A_THREAD = 4;

    private final NativeBackend backend;
    /** One for every thread that makes tiles. */
    private final List<DnnlContext> parts;

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
            List<DnnlContext> parts,
            TensorScope scope,
            PerSampleConvolution product,
            ConvolutionSizes sizes,
            DnnlPrimitive primitive) {
        this.backend = backend;
        this.parts = parts;
        this.context = parts.get(0);
        this.scope = scope;
        this.product = product;
        this.sizes = sizes;
        this.primitive = primitive;
        this.elements = primitive.bytes(TILE) / Float.BYTES;
        toTile = context.get(
                sizes.key(context, DnnlKind.WEIGHTS_TO_TILE),
                Cost.elements(elements),
                () -> ConvolutionRecipes.weightsTo(sizes.weightLayout(), primitive, TILE));
        fromTile = fromTile(context, primitive);
        long count = sizes.weightElements();
        add = add(count);
        addTiles = add(elements);
    }

    private static DnnlPrimitive primitive(DnnlContext own, ConvolutionSizes sizes) {
        return own.get(
                sizes.key(own, DnnlKind.CONVOLUTION_WEIGHTS),
                sizes.cost(),
                () -> ConvolutionRecipes.backwardWeights(sizes));
    }

    private DnnlPrimitive fromTile(DnnlContext own, DnnlPrimitive maker) {
        return own.get(
                sizes.key(own, DnnlKind.WEIGHTS_FROM),
                Cost.elements(elements),
                () -> ConvolutionRecipes.weightsFrom(maker, TILE, sizes.weightLayout()));
    }

    private DnnlPrimitive add(long count) {
        return context.get(context.key(DnnlKind.ADD).add(count), Cost.elements(count), () -> DnnlRecipes.add(count));
    }

    /** Tiles that are the sums of {@code joined} samples; nothing if oneDNN is slow at them. */
    static Optional<ConvolutionTiles> of(
            NativeBackend backend, DnnlContext context, TensorScope scope, PerSampleConvolution product, long joined) {
        return of(backend, List.of(context), scope, product, sizes(product, joined));
    }

    /**
     * Tiles of single samples, of rounded operands if that pays; nothing if oneDNN is slow at them. Where there are
     * enough, every thread makes those of some samples, and nobody waits for anybody before the last.
     */
    static Optional<ConvolutionTiles> ofOne(
            NativeBackend backend, DnnlContext context, TensorScope scope, PerSampleConvolution product) {
        ConvolutionSizes sizes = sizes(product, 1);
        List<DnnlContext> parts = parts(backend.team(), context, product, sizes);
        return sizes.paysRounding(context)
                ? of(backend, parts, scope, product, sizes.rounded(true))
                        .or(() -> of(backend, parts, scope, product, sizes))
                : of(backend, parts, scope, product, sizes);
    }

    private static List<DnnlContext> parts(
            Team team, DnnlContext context, PerSampleConvolution product, ConvolutionSizes sizes) {
        int threads = team.threads();
        boolean apart = sizes.weightElements() * Float.BYTES <= LARGEST_TILE_BYTES
                && product.samples() >= SAMPLES_WORTH_A_THREAD * threads
                && team.parts(sizes.cost() * product.batch()) > 1;
        return apart ? IntStream.range(0, threads).mapToObj(context::part).toList() : List.of(context);
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
            List<DnnlContext> parts,
            TensorScope scope,
            PerSampleConvolution product,
            ConvolutionSizes sizes) {
        if (!sizes.isExpressible() || DnnlFaults.weightGradientFails(sizes)) {
            return Optional.empty();
        }
        DnnlPrimitive primitive = primitive(parts.get(0), sizes);
        if (!primitive.usable()) {
            return Optional.empty();
        }
        var tiles = new ConvolutionTiles(backend, parts, scope, product, sizes, primitive);
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
        long tile = memory(elements);
        long sum = length == joined ? tile : memory(elements);
        long rowMajor = accumulate ? memory(sizes.weightElements()) : 0;
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
        var mapped = new InTileOrder(afterwards);
        for (TileConsumer consumer : consumers) {
            consumer.accept(mapped).ifPresentOrElse(inTileOrder::add, () -> rowMajor.add(consumer));
        }
        List<Part> all = new ArrayList<>();
        for (DnnlContext own : parts) {
            Optional<Part> part = part(own, inputs, outputs, inTileOrder, rowMajor);
            if (part.isEmpty()) {
                return false;
            }
            all.add(part.get());
        }
        long run = inputs.ready() && outputs.ready() ? 1 : Math.min(inputs.run(), outputs.run());
        backend.team().run(all.size(), part -> all.get(part).feed(start(part, run), start(part + 1, run), run));
        all.forEach(Part::end);
        afterwards.forEach(Runnable::run);
        return true;
    }

    /** The first sample of a part, and of a run of neighbours if there are as many runs as parts. */
    private long start(int part, long run) {
        long samples = product.samples();
        long start = samples * part / parts.size();
        return samples / run < parts.size() || part == parts.size() ? start : start - start % run;
    }

    /** A thread's tiles. */
    private final class Part {

        private final DnnlContext own;
        private final SamplePlanes inputs;
        private final SamplePlanes outputs;
        private final DnnlPrimitive maker;
        private final DnnlPrimitive toRowMajor;
        private final PartConsumers consumers;
        private final List<TileFeeder> ordered;
        private final List<TileFeeder> plain;
        private final List<TileFeeder> fedOrdered;
        private final List<TileFeeder> fedPlain;
        private final LongUnaryOperator tile;
        private final LongUnaryOperator rowMajor;
        private final long workspaceBytes;
        private final long workspace;

        Part(
                DnnlContext own,
                SamplePlanes inputs,
                SamplePlanes outputs,
                PartConsumers consumers,
                List<TileFeeder> ordered,
                List<TileFeeder> plain) {
            this.own = own;
            this.inputs = inputs;
            this.outputs = outputs;
            this.consumers = consumers;
            this.ordered = ordered;
            this.plain = plain;
            maker = primitive(own, sizes);
            toRowMajor = fromTile(own, maker);
            fedOrdered = new ArrayList<>(ordered);
            fedPlain = new ArrayList<>(plain);
            tile = place(fedOrdered, elements);
            rowMajor = plain.isEmpty() ? b -> 0 : place(fedPlain, sizes.weightElements());
            workspaceBytes = parts.size() == 1 ? 0 : scratchpadBytes();
            workspace = workspaceBytes == 0 ? 0 : memory((workspaceBytes + Float.BYTES - 1) / Float.BYTES);
        }

        private long scratchpadBytes() {
            return Stream.concat(
                            Stream.of(maker, toRowMajor),
                            Stream.concat(ordered.stream(), plain.stream())
                                    .flatMap(feeder -> feeder.primitives().stream()))
                    .mapToLong(DnnlPrimitive::scratchpadBytes)
                    .max()
                    .orElse(0);
        }

        /**
         * Makes all columns of a sample, one after the other: they share what one side of their products reads. Planes
         * that are written a few at a time are used before the next ones.
         */
        void feed(long from, long to, long run) {
            own.lend(workspace, workspaceBytes);
            try {
                long samples = product.samples();
                for (long first = from; first < to; first += run) {
                    for (long column = 0; column < product.batch(); column += samples) {
                        for (long b = column + first; b < column + Math.min(to, first + run); b++) {
                            feed(b);
                        }
                    }
                }
            } finally {
                own.lend(0, 0);
            }
        }

        private void feed(long b) {
            long made = tile.applyAsLong(b);
            maker.at(INPUTS, inputs.at(b))
                    .at(OUTPUTS, outputs.at(b))
                    .at(TILE, made)
                    .run(own);
            for (TileFeeder feeder : fedOrdered) {
                feeder.feed(made, b);
            }
            if (!plain.isEmpty()) {
                long reordered = rowMajor.applyAsLong(b);
                toRowMajor.at(0, made).at(1, reordered).run(own);
                for (TileFeeder feeder : fedPlain) {
                    feeder.feed(reordered, b);
                }
            }
        }

        void end() {
            ordered.forEach(feeder -> feeder.end().run());
            plain.forEach(feeder -> feeder.end().run());
            consumers.merge();
        }
    }

    private Optional<Part> part(
            DnnlContext own,
            SamplePlanes inputs,
            SamplePlanes outputs,
            List<TileConsumer> inTileOrder,
            List<TileConsumer> rowMajor) {
        boolean first = own.equals(context);
        Team team = parts.size() == 1 ? backend.team() : Team.ALONE;
        var consumers = new PartConsumers(backend, scope);
        Optional<List<TileFeeder>> ordered = new TileFeeders(backend, own, team, elements, product.batch())
                .of(first ? inTileOrder : consumers.of(inTileOrder));
        Optional<List<TileFeeder>> plain = new TileFeeders(backend, own, team, sizes.weightElements(), product.batch())
                .of(first ? rowMajor : consumers.of(rowMajor));
        if (ordered.isEmpty() || plain.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Part(
                own,
                first ? inputs.with(own) : inputs.apart(own, backend, scope),
                first ? outputs.with(own) : outputs.apart(own, backend, scope),
                consumers,
                ordered.get(),
                plain.get()));
    }

    private long memory(long numbers) {
        return backend.singles(scope, Shape.of(numbers)).address();
    }

    /**
     * Where tiles of so many elements are written: with the first consumer that keeps them, which needs no feeding
     * then, or in memory of their own.
     */
    private LongUnaryOperator place(List<TileFeeder> feeders, long count) {
        for (int i = 0; i < feeders.size(); i++) {
            LongUnaryOperator place = feeders.get(i).place();
            if (place != null) {
                feeders.remove(i);
                return place;
            }
        }
        long address = memory(count);
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
        private final List<Tensor> sums = new ArrayList<>();

        InTileOrder(List<Runnable> afterwards) {
            this.afterwards = afterwards;
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.Sum sum) {
            Tensor ordered = sums(sum.destination(), afterwards);
            sums.add(ordered);
            return Optional.of(new TileConsumer.Sum(ordered));
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

        /**
         * Tiles are kept as they are made, unless they take more room than gradients do; sums that are made for others,
         * too, are not made again.
         */
        @Override
        public Optional<TileConsumer> visit(TileConsumer.DotWithSum dots) {
            if (elements != sizes.weightElements()) {
                return Optional.empty();
            }
            long runs = dots.destination().shape().size(0);
            afterwards.add(() -> TileFeeders.finish(
                    backend,
                    dots,
                    sums.stream()
                            .filter(each -> each.shape().size(0) == runs)
                            .findFirst()
                            .orElse(null)));
            return Optional.of(new TileConsumer.Copy(dots.kept()));
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
                    new HistogramLoop(Team.ALONE, histogram.range(), histogram.factor(), histogram.destination()));
            return Optional.of(histogram);
        }

        @Override
        public Optional<TileConsumer> visit(TileConsumer.JointHistogram histogram) {
            Tensor values = reordered(histogram.values());
            uncount(() -> new HistogramLoop(
                    Team.ALONE, histogram.ranges(), histogram.factor(), histogram.values(), histogram.destination()));
            return Optional.of(new TileConsumer.JointHistogram(
                    histogram.destination(), histogram.ranges(), histogram.factor(), values));
        }

        private void uncount(Supplier<HistogramLoop> loop) {
            long zeros = (elements - sizes.weightElements()) * product.batch();
            if (zeros > 0) {
                afterwards.add(() -> {
                    HistogramLoop counted = loop.get();
                    counted.subtractZeros(zeros);
                    counted.store();
                });
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
            long rowMajor = memory(sizes.weightElements());
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
