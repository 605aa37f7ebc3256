// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.PlaneSquares;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions of single precision by oneDNN, channels last. Weights are brought into the order that oneDNN likes on
 * every call, which takes little beside the convolution of a batch.
 */
final class DnnlConvolutions implements Convolutions {

    /** Most memory for the reordered inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 64 << 20;

    /** Elements of windows that read so few positions, on average, have products of their own. */
    private static final double FEW_READS = 3;

    /** With so few, squares are faster by loops in Java than by oneDNN, which makes tiles. */
    private static final double FEWEST_READS = 2;

    /** Loops over fewer channels are too short. */
    private static final long FEWEST_CHANNELS = 64;

    /** With fewer samples products are too short. */
    private static final long FEWEST_SAMPLES = 16;

    /** Tiles of fewer elements stay in the cache until they have been read. */
    private static final long LARGE_TILE = 1 << 16;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Convolutions host;
    private final ChannelsLastPlanes planes;
    private final PositionProducts positionProducts;
    private final InputGrams inputGrams;
    private final UnfoldedGrams unfoldedGrams;
    private final PlaneGrams planeGrams;
    private final NeighbourGrams neighbourGrams;

    DnnlConvolutions(NativeBackend backend, DnnlContexts contexts, DnnlProducts products, Convolutions host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
        this.planes = new ChannelsLastPlanes(backend);
        this.positionProducts = new PositionProducts(backend, contexts, products);
        this.inputGrams = new InputGrams(backend, contexts);
        this.unfoldedGrams = new UnfoldedGrams(backend, contexts);
        this.planeGrams = new PlaneGrams(backend, contexts);
        this.neighbourGrams = new NeighbourGrams(backend, contexts);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        CpuTensor to = backend.asItLies(destination);
        if (!to.isSingle() || !convolve(window, backend.asItLies(x), weight, bias, to)) {
            host.convolve(window, x, weight, bias, destination);
        }
    }

    private boolean convolve(Window window, CpuTensor x, Tensor weight, @Nullable Tensor bias, CpuTensor to) {
        ConvolutionSizes sizes = ConvolutionSizes.of(window, x.shape().size(0), x.shape(), to.shape(), weight.shape());
        if (!sizes.isExpressible() || DnnlFaults.convolutionReadsOtherRows(sizes)) {
            return false;
        }
        DnnlContext context = contexts.get();
        boolean biased = bias != null;
        boolean few = !biased
                && x.shape().size(0) >= FEWEST_SAMPLES
                && reads(window, x.shape(), to.shape(), weight.shape()) <= FEW_READS;
        if (few && convolveByElement(sizes, x, weight, to)) {
            return true;
        }
        DnnlPrimitive primitive = context.get(
                sizes.key(context, DnnlKind.CONVOLUTION).add(biased ? 1 : 0),
                sizes.cost(),
                () -> ConvolutionRecipes.forward(sizes, biased));
        if (!primitive.usable()) {
            return false;
        }
        try (TensorScope scope = backend.openScope()) {
            int argument = 0;
            primitive.at(argument++, planes.read(context, scope, x, window.axes()));
            primitive.at(argument++, weights(context, scope, DnnlKind.WEIGHTS_TO, sizes, primitive, weight));
            if (bias != null) {
                primitive.at(argument++, backend.own(bias).address());
            }
            int last = argument;
            planes.write(
                    context,
                    scope,
                    to,
                    window.axes(),
                    address -> primitive.at(last, address).run(context));
        }
        return true;
    }

    @Override
    public void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        CpuTensor to = backend.asItLies(destination);
        if (!to.isSingle() || !convolveTransposed(window, backend.handle(y), weight, to)) {
            host.convolveTransposed(window, y, weight, bias, destination);
        } else if (bias != null) {
            try (TensorScope scope = backend.openScope()) {
                long[] sizes = new long[window.axes() + 1];
                Arrays.fill(sizes, 1);
                sizes[0] = bias.shape().size(0);
                Tensor perChannel = scope.view(bias, Shape.of(sizes));
                backend.elementwise().combine(BinaryOperation.ADD, destination, perChannel, destination);
            }
        }
    }

    private boolean convolveTransposed(Window window, CpuTensor y, Tensor weight, CpuTensor to) {
        if (y.elements == 0) {
            return false;
        }
        DnnlContext context = contexts.get();
        try (TensorScope scope = backend.openScope()) {
            boolean few = y.shape().size(0) >= FEWEST_SAMPLES
                    && reads(window, to.shape(), y.shape(), weight.shape()) <= FEW_READS;
            if (few && transposeByElement(window, y, weight, to)) {
                return true;
            }
            SamplePlanes inputs = SamplePlanes.of(backend, planes, context, scope, y, window.axes());
            ConvolutionSizes sizes = ConvolutionSizes.of(window, inputs.run(), to.shape(), y.shape(), weight.shape());
            if (!sizes.isExpressible()) {
                return false;
            }
            if (sizes.paysRounding(context)) {
                SamplePlanes rounded = inputs.rounded(backend, scope, inputs.run());
                ConvolutionSizes ofRun = ConvolutionSizes.of(
                                window, rounded.run(), to.shape(), y.shape(), weight.shape())
                        .rounded(true);
                if (convolveTransposed(context, scope, window, rounded, ofRun, weight, to)) {
                    return true;
                }
            }
            return convolveTransposed(context, scope, window, inputs, sizes, weight, to);
        }
    }

    private boolean convolveTransposed(
            DnnlContext context,
            TensorScope scope,
            Window window,
            SamplePlanes inputs,
            ConvolutionSizes sizes,
            Tensor weight,
            CpuTensor to) {
        DnnlPrimitive primitive = context.get(
                sizes.key(context, DnnlKind.CONVOLUTION_TRANSPOSED),
                sizes.cost(),
                () -> ConvolutionRecipes.backwardData(sizes));
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(1, weights(context, scope, DnnlKind.WEIGHTS_TO_TRANSPOSED, sizes, primitive, weight));
        long plane = sizes.inputElements() * Float.BYTES;
        planes.write(context, scope, to, window.axes(), address -> {
            for (long b = 0; b < to.shape().size(0); b += inputs.run()) {
                primitive.at(0, inputs.at(b)).at(2, address + b * plane).run(context);
            }
        });
        return true;
    }

    private boolean convolveByElement(ConvolutionSizes sizes, CpuTensor x, Tensor weight, CpuTensor to) {
        DnnlContext context = contexts.get();
        int axes = sizes.windows().axes();
        try (TensorScope scope = backend.openScope()) {
            long from = planes.read(context, scope, x, axes);
            var byElement = new PlaneConvolutions(backend, context, scope, sizes.windows(), weight.shape());
            boolean[] done = new boolean[1];
            planes.write(
                    context,
                    scope,
                    to,
                    axes,
                    address -> done[0] = byElement.convolve(from, backend.own(weight), address));
            return done[0];
        }
    }

    private boolean transposeByElement(Window window, CpuTensor y, Tensor weight, CpuTensor to) {
        DnnlContext context = contexts.get();
        WindowSizes sizes = WindowSizes.of(window, y.shape().size(0), to.shape(), y.shape());
        try (TensorScope scope = backend.openScope()) {
            long from = planes.read(context, scope, backend.asItLies(y), window.axes());
            var byElement = new PlaneConvolutions(backend, context, scope, sizes, weight.shape());
            boolean[] done = new boolean[1];
            planes.write(
                    context,
                    scope,
                    to,
                    window.axes(),
                    address -> done[0] = byElement.convolveTransposed(from, backend.own(weight), address));
            return done[0];
        }
    }

    /** The address of the weights in the order of the primitive's argument 1. */
    private long weights(
            DnnlContext context,
            TensorScope scope,
            DnnlKind kind,
            ConvolutionSizes sizes,
            DnnlPrimitive user,
            Tensor weight) {
        long ordered = planes.memory(scope, (user.bytes(1) + Float.BYTES - 1) / Float.BYTES);
        context.get(
                        sizes.key(context, kind),
                        Cost.elements(sizes.weightElements()),
                        () -> ConvolutionRecipes.weightsTo(sizes.weightLayout(), user, 1))
                .at(0, backend.own(weight).address())
                .at(1, ordered)
                .run(context);
        return ordered;
    }

    @Override
    public void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination) {
        host.unfold(window, x, outputSizes, destination);
    }

    @Override
    public void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination) {
        host.fold(window, unfolded, outputSizes, destination);
    }

    @Override
    public void contract(PerSampleConvolution product, List<TileConsumer> consumers) {
        if (!isSingle(product) || !contractTiles(product, consumers)) {
            host.contract(product, consumers);
        }
    }

    private boolean contractTiles(PerSampleConvolution product, List<TileConsumer> consumers) {
        DnnlContext context = contexts.get();
        try (TensorScope scope = backend.openScope()) {
            if (consumers.size() == 1 && consumers.get(0) instanceof TileConsumer.SumOfSquares squares) {
                if (reads(product) <= FEWEST_READS) {
                    PlaneSquares.add(backend.team(), squares(scope, product, squares));
                    return true;
                }
                boolean rounds = UnfoldedSquares.paysRounding(context, product);
                if ((rounds && unfoldedSquares(context, scope, product, squares, true))
                        || unfoldedSquares(context, scope, product, squares, false)) {
                    return true;
                }
            }
            if (UnfoldedTiles.fits(product, consumers)) {
                boolean written = new UnfoldedTiles(backend, context, scope, product)
                        .write(
                                planes(context, scope, product, product.inputs()),
                                planes(context, scope, product, product.outputs()),
                                backend.own(((TileConsumer.Copy) consumers.get(0)).destination()));
                if (written) {
                    return true;
                }
            }
            var tiles = ConvolutionTiles.ofOne(backend, context, scope, product);
            return tiles.isPresent()
                    && tiles.get()
                            .feed(
                                    planes(context, scope, product, product.inputs()),
                                    planes(context, scope, product, product.outputs()),
                                    consumers);
        }
    }

    private boolean unfoldedSquares(
            DnnlContext context,
            TensorScope scope,
            PerSampleConvolution product,
            TileConsumer.SumOfSquares squares,
            boolean rounded) {
        return UnfoldedSquares.fits(product, rounded)
                && new UnfoldedSquares(backend, context, scope, product, rounded)
                        .add(
                                planes(context, scope, product, product.inputs()),
                                planes(context, scope, product, product.outputs()),
                                squares);
    }

    /**
     * How many positions an element of the window reads on average, where that is few since windows reach beyond small
     * planes; infinity where it does not matter.
     */
    static double reads(PerSampleConvolution product) {
        return reads(
                product.window(), product.inputs().shape(), product.outputs().shape(), product.weight());
    }

    private static double reads(Window window, Shape inputs, Shape outputs, Shape weight) {
        if (weight.size(1) != inputs.size(1)
                || inputs.size(1) < FEWEST_CHANNELS
                || weight.elements() < LARGE_TILE
                || window.spatial(outputs).elements() > window.elements()) {
            return Double.POSITIVE_INFINITY;
        }
        int[][] reads = WindowSizes.of(window, 1, inputs, outputs).reads();
        long all = Arrays.stream(reads)
                .flatMapToInt(Arrays::stream)
                .filter(read -> read >= 0)
                .count();
        return (double) all / reads.length;
    }

    private static WindowSizes windows(PerSampleConvolution product, long samples) {
        return WindowSizes.of(
                product.window(),
                samples,
                product.inputs().shape(),
                product.outputs().shape());
    }

    private PlaneSquares.Squares squares(
            TensorScope scope, PerSampleConvolution product, TileConsumer.SumOfSquares squares) {
        Tensor center = squares.center();
        Tensor weights = squares.weights();
        return new PlaneSquares.Squares(
                memory(scope, product, product.inputs()),
                memory(scope, product, product.outputs()),
                product.batch(),
                windows(product, 1).reads(),
                center == null ? null : backend.own(center),
                weights == null ? null : backend.own(weights),
                backend.own(squares.destination()));
    }

    private PlaneSquares.Planes memory(TensorScope scope, PerSampleConvolution product, Tensor side) {
        int axes = product.window().axes();
        Shape shape = side.shape();
        return new PlaneSquares.Planes(
                planes.memory(contexts.get(), scope, backend.asItLies(side), axes),
                shape.size(0),
                (int) shape.elements(2, shape.rank()),
                shape.size(1));
    }

    @Override
    public void sum(PerSampleConvolution product, Tensor destination) {
        sum(product, true, destination);
    }

    @Override
    public void sum(PerSampleConvolution product, boolean accumulate, Tensor destination) {
        if (!isSingle(product) || !sumJoined(product, accumulate, destination)) {
            host.sum(product, accumulate, destination);
        }
    }

    private boolean sumJoined(PerSampleConvolution product, boolean accumulate, Tensor destination) {
        DnnlContext context = contexts.get();
        try (TensorScope scope = backend.openScope()) {
            boolean one =
                    product.batch() == product.samples() && destination.shape().size(0) == 1;
            if (one && reads(product) <= FEW_READS) {
                var byElement = new PlaneConvolutions(
                        backend, context, scope, windows(product, product.batch()), product.weight());
                boolean added = byElement.sumGradients(
                        settled(context, scope, product, product.inputs()),
                        settled(context, scope, product, product.outputs()),
                        accumulate,
                        backend.own(destination));
                if (added) {
                    return true;
                }
            }
            SamplePlanes inputs = planes(context, scope, product, product.inputs());
            SamplePlanes outputs = planes(context, scope, product, product.outputs());
            // in runs only if adding up costs little beside them
            long run = Math.min(inputs.run(), outputs.run());
            boolean pays = run * (inputs.planeBytes() + outputs.planeBytes())
                    >= product.weight().elements() * Float.BYTES;
            if (!pays) {
                inputs = planes(context, scope, product, backend.asItLies(product.inputs()));
                outputs = planes(context, scope, product, backend.asItLies(product.outputs()));
                run = product.samples();
            }
            var tiles = ConvolutionTiles.of(backend, context, scope, product, run);
            return tiles.isPresent() && tiles.get().sum(inputs, outputs, accumulate, backend.own(destination));
        }
    }

    @Override
    public void squaredNorms(PerSampleConvolution product, Tensor destination) {
        if (!product.prefersGram()) {
            contract(product, List.of(new TileConsumer.SquaredNorms(destination)));
        } else if (!isSingle(product) || !gram(product, destination)) {
            host.squaredNorms(product, destination);
        }
    }

    private boolean gram(PerSampleConvolution product, Tensor destination) {
        ConvolutionSizes sizes = ConvolutionSizes.of(
                product.window(), 1, product.inputs().shape(), product.outputs().shape(), product.weight());
        if (!sizes.isExpressible() || sizes.groups() > 1) {
            return false;
        }
        DnnlContext context = contexts.get();
        try (TensorScope scope = backend.openScope()) {
            return positionProducts.squaredNorms(
                    product,
                    settled(context, scope, product, product.inputs()),
                    settled(context, scope, product, product.outputs()),
                    backend.own(destination));
        }
    }

    @Override
    public void addInputGram(
            Window window, Tensor x, List<Long> outputSizes, boolean summed, double scale, Tensor destination) {
        inputGram(window, x, outputSizes, summed, scale, true, destination);
    }

    @Override
    public void inputGram(
            Window window,
            Tensor x,
            List<Long> outputSizes,
            boolean summed,
            double scale,
            boolean accumulate,
            Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        boolean ours = from.isSingle() && !summed && destination.shape().size(0) == 1 && from.elements > 0;
        if (!ours || !inputGram(window, from, outputSizes, scale, accumulate, destination)) {
            if (!accumulate) {
                backend.elementwise().fill(destination, 0);
            }
            Convolutions.super.addInputGram(window, x, outputSizes, summed, scale, destination);
        }
    }

    private boolean inputGram(
            Window window, CpuTensor x, List<Long> outputSizes, double scale, boolean accumulate, Tensor destination) {
        long channels = x.shape().size(1);
        Shape outputs = x.shape().slice(0, 2);
        for (long size : outputSizes) {
            outputs = outputs.append(size);
        }
        WindowSizes sizes = WindowSizes.of(window, x.shape().size(0), x.shape(), outputs);
        if (!sizes.isExpressible()) {
            return false;
        }
        DnnlContext context = contexts.get();
        try (TensorScope scope = backend.openScope()) {
            long inputs = planes.read(context, scope, x, window.axes());
            if (PlaneGrams.fits(sizes, channels)
                    && planeGrams.add(sizes, channels, inputs, scale, accumulate, backend.own(destination))) {
                return true;
            }
            if (UnfoldedGrams.fits(sizes, channels)
                    && unfoldedGrams.add(
                            window, sizes, channels, inputs, scale, accumulate, backend.own(destination))) {
                return true;
            }
            boolean shifts = ShiftedGrams.fits(window, sizes.batch, channels);
            if (!(shifts && ShiftedGrams.isLong(sizes))
                    && NeighbourGrams.fits(sizes, channels)
                    && NeighbourGrams.pays(sizes, channels)
                    && neighbourGrams.add(sizes, channels, inputs, scale, accumulate, backend.own(destination))) {
                return true;
            }
            if (shifts) {
                addShifted(sizes, channels, inputs, scale, accumulate, backend.own(destination));
                return true;
            }
            if (!InputGrams.fits(window)) {
                return UnfoldedGrams.isWorthIt(sizes, channels)
                        && unfoldedGrams.add(
                                window, sizes, channels, inputs, scale, accumulate, backend.own(destination));
            }
            if (!accumulate) {
                backend.elementwise().fill(destination, 0);
            }
            inputGrams.add(window, sizes, channels, inputs, scale, backend.own(destination));
        }
        return true;
    }

    private void addShifted(
            WindowSizes sizes, long channels, long inputs, double scale, boolean accumulate, CpuTensor destination) {
        try (TensorScope scope = backend.openScope()) {
            var grams = new ShiftedGrams(backend, contexts.get(), scope, sizes, channels, scale);
            long plane = channels * sizes.inputPositions() * Float.BYTES;
            long run = Math.max(1, RUN_BYTES / plane);
            for (long from = 0; from < sizes.batch; from += run) {
                grams.add(inputs + from * plane, Math.min(run, sizes.batch - from));
            }
            grams.addTo(destination, accumulate);
        }
    }

    private static boolean isSingle(PerSampleConvolution product) {
        return ((CpuTensor) product.inputs()).isSingle() && product.batch() > 0;
    }

    private SamplePlanes planes(DnnlContext context, TensorScope scope, PerSampleConvolution product, Tensor side) {
        int axes = product.window().axes();
        return SamplePlanes.of(backend, planes, context, scope, backend.handle(side), axes);
    }

    private long settled(DnnlContext context, TensorScope scope, PerSampleConvolution product, Tensor side) {
        return planes.read(
                context, scope, backend.asItLies(side), product.window().axes());
    }
}
