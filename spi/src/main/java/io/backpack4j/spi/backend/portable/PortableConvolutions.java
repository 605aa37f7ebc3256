// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Convolutions as matrix products of unfolded inputs, some samples at a time. */
public final class PortableConvolutions implements Convolutions {

    /** How much memory unfolded inputs may take, unless one sample takes more. */
    private static final long RUN_BYTES = 4 << 20;

    private final Backend backend;

    /** Creates the convolutions of a backend, made of its plain operations. */
    public PortableConvolutions(Backend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        Sizes sizes = new Sizes(window, destination.shape(), x.shape(), weight.shape());
        long run = sizes.run(x);
        for (long from = 0; from < x.shape().size(0); from += run) {
            long to = Math.min(x.shape().size(0), from + run);
            try (TensorScope scope = backend.openScope()) {
                Tensor columns = scope.allocate(sizes.unfolded(to - from), x.dtype());
                backend.convolutions().unfold(window, scope.rows(x, from, to), sizes.outputSizes, columns);
                Tensor target = scope.view(scope.rows(destination, from, to), sizes.outputs(to - from));
                backend.products().multiply(scope.view(weight, sizes.weight()), false, columns, true, 1, 0, target);
            }
        }
        addBias(window, bias, destination);
    }

    @Override
    public void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        Sizes sizes = new Sizes(window, y.shape(), destination.shape(), weight.shape());
        long run = sizes.run(y);
        for (long from = 0; from < y.shape().size(0); from += run) {
            long to = Math.min(y.shape().size(0), from + run);
            try (TensorScope scope = backend.openScope()) {
                Tensor columns = scope.allocate(sizes.unfolded(to - from), y.dtype());
                Tensor outputs = scope.view(scope.rows(y, from, to), sizes.outputs(to - from));
                backend.products().multiply(outputs, true, scope.view(weight, sizes.weight()), false, 1, 0, columns);
                backend.convolutions().fold(window, columns, sizes.outputSizes, scope.rows(destination, from, to));
            }
        }
        addBias(window, bias, destination);
    }

    private void addBias(Window window, @Nullable Tensor bias, Tensor destination) {
        if (bias == null) {
            return;
        }
        Shape shape = destination.shape();
        try (TensorScope scope = backend.openScope()) {
            long positions = window.spatial(shape).elements();
            Tensor rows = scope.view(destination, Shape.of(shape.size(0), shape.size(1), positions));
            Tensor column = scope.view(bias, Shape.of(shape.size(1), 1));
            backend.elementwise().combine(BinaryOperation.ADD, rows, column, rows);
        }
    }

    @Override
    public void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination) {
        backend.elementwise().fill(destination, 0);
        try (TensorScope scope = backend.openScope()) {
            Placement placement = new Placement(window, x.shape(), destination.shape(), outputSizes);
            Tensor target = scope.view(destination, placement.unfolded());
            for (long element = 0; element < window.elements(); element++) {
                Region inputs = placement.inputs(element);
                if (inputs.shape().elements() > 0) {
                    try (TensorScope step = backend.openScope()) {
                        Tensor part = step.allocate(inputs.shape(), x.dtype());
                        backend.indexing().extract(x, inputs, part);
                        Tensor byPosition = step.allocate(placement.byPosition(inputs), x.dtype());
                        backend.indexing()
                                .permute(step.view(part, placement.byChannel(inputs)), Placement.SWAP, byPosition);
                        Region columns = placement.columns(element);
                        backend.indexing().insert(step.view(byPosition, columns.shape()), columns, target);
                    }
                }
            }
        }
    }

    @Override
    public void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination) {
        backend.elementwise().fill(destination, 0);
        try (TensorScope scope = backend.openScope()) {
            Placement placement = new Placement(window, destination.shape(), unfolded.shape(), outputSizes);
            Tensor source = scope.view(unfolded, placement.unfolded());
            for (long element = 0; element < window.elements(); element++) {
                Region inputs = placement.inputs(element);
                if (inputs.shape().elements() > 0) {
                    try (TensorScope step = backend.openScope()) {
                        Region columns = placement.columns(element);
                        Tensor part = step.allocate(columns.shape(), unfolded.dtype());
                        backend.indexing().extract(source, columns, part);
                        Tensor byChannel = step.allocate(placement.byChannel(inputs), unfolded.dtype());
                        backend.indexing()
                                .permute(step.view(part, placement.byPosition(inputs)), Placement.SWAP, byChannel);
                        Tensor sum = step.allocate(inputs.shape(), unfolded.dtype());
                        backend.indexing().extract(destination, inputs, sum);
                        backend.elementwise().addScaled(1, step.view(byChannel, inputs.shape()), sum);
                        backend.indexing().insert(sum, inputs, destination);
                    }
                }
            }
        }
    }

    @Override
    public void contract(PerSampleConvolution product, List<TileConsumer> consumers) {
        Sizes sizes = new Sizes(
                product.window(), product.outputs().shape(), product.inputs().shape(), product.weight());
        long samples = product.samples();
        Shape tile = Shape.of(product.groups(), product.rows(), product.columns());
        long tileBytes = Math.max(1, tile.elements() * product.inputs().dtype().bytes());
        long run = Math.max(1, Math.min(sizes.run(product.inputs()), RUN_BYTES / tileBytes));
        // Columns of a convolution share its inputs.
        boolean shared = product.inputs().shape().size(0) == samples;
        for (long from = 0; from < samples; from += run) {
            long to = Math.min(samples, from + run);
            try (TensorScope scope = backend.openScope()) {
                Tensor tiles =
                        scope.allocate(tile.prepend(to - from), product.inputs().dtype());
                Tensor ofAll = shared ? unfolded(scope, product, sizes, from, to - from) : null;
                for (long column = 0; column < product.batch(); column += samples) {
                    try (TensorScope step = backend.openScope()) {
                        Tensor unfolded =
                                ofAll == null ? unfolded(step, product, sizes, column + from, to - from) : ofAll;
                        Tensor outputs = outputs(step, product, sizes, column + from, to - from);
                        backend.products().multiply(outputs, false, unfolded, false, 1, 0, tiles);
                        backend.contractions().consume(tiles, column + from, product.batch(), consumers);
                    }
                }
            }
        }
    }

    @Override
    public void squaredNorms(PerSampleConvolution product, Tensor destination) {
        if (!product.prefersGram()) {
            contract(product, List.of(new TileConsumer.SquaredNorms(destination)));
            return;
        }
        Sizes sizes = new Sizes(
                product.window(), product.outputs().shape(), product.inputs().shape(), product.weight());
        long samples = product.samples();
        long gram = product.groups() * product.positions() * product.positions();
        long bytes = Math.max(1, gram * product.inputs().dtype().bytes());
        long run = Math.max(1, Math.min(sizes.run(product.inputs()), RUN_BYTES / bytes));
        for (long column = 0; column < product.batch(); column += samples) {
            for (long from = 0; from < samples; from += run) {
                long to = Math.min(samples, from + run);
                try (TensorScope scope = backend.openScope()) {
                    Shape shape = Shape.of(to - from, product.groups(), product.positions(), product.positions());
                    Tensor unfolded = unfolded(scope, product, sizes, column + from, to - from);
                    Tensor right = scope.allocate(shape, unfolded.dtype());
                    backend.products().multiply(unfolded, false, unfolded, true, 1, 0, right);
                    Tensor outputs = outputs(scope, product, sizes, column + from, to - from);
                    Tensor left = scope.allocate(shape, unfolded.dtype());
                    backend.products().multiply(outputs, true, outputs, false, 1, 0, left);
                    Shape rows = Shape.of(to - from, gram);
                    backend.contractions()
                            .rowDots(
                                    scope.view(left, rows),
                                    scope.view(right, rows),
                                    scope.rows(destination, column + from, column + to));
                }
            }
        }
    }

    /** The unfolded inputs of {@code count} tiles from number {@code first} on. */
    private Tensor unfolded(TensorScope scope, PerSampleConvolution product, Sizes sizes, long first, long count) {
        long row = first % product.inputs().shape().size(0);
        Tensor columns = scope.allocate(sizes.unfolded(count), product.inputs().dtype());
        Tensor inputs = scope.rows(product.inputs(), row, row + count);
        backend.convolutions().unfold(product.window(), inputs, sizes.outputSizes, columns);
        return columns;
    }

    private static Tensor outputs(
            TensorScope scope, PerSampleConvolution product, Sizes sizes, long first, long count) {
        long row = first % product.outputs().shape().size(0);
        return scope.view(scope.rows(product.outputs(), row, row + count), sizes.outputs(count));
    }

    /** The sizes of a convolution as matrix products. */
    private static final class Sizes {

        final List<Long> outputSizes;
        private final long groups;
        private final long rows;
        private final long columns;
        private final long positions;

        Sizes(Window window, Shape outputs, Shape inputs, Shape weight) {
            Shape spatial = window.spatial(outputs);
            List<Long> list = new ArrayList<>();
            for (long size : spatial.toArray()) {
                list.add(size);
            }
            outputSizes = List.copyOf(list);
            groups = weight.size(1) == 0 ? 1 : inputs.size(1) / weight.size(1);
            rows = weight.size(0) / groups;
            columns = weight.elements(1, weight.rank());
            positions = spatial.elements();
        }

        long run(Tensor like) {
            long bytes = groups * positions * columns * like.dtype().bytes();
            return Math.max(1, RUN_BYTES / Math.max(1, bytes));
        }

        Shape unfolded(long samples) {
            return Shape.of(samples, groups, positions, columns);
        }

        Shape outputs(long samples) {
            return Shape.of(samples, groups, rows, positions);
        }

        Shape weight() {
            return Shape.of(1, groups, rows, columns);
        }
    }

    /** Where one element of the window takes its inputs from, and where it puts them. */
    private static final class Placement {

        static final int[] SWAP = {0, 1, 3, 2};

        private final Window window;
        private final Shape inputs;
        private final Shape spatialInputs;
        private final List<Long> outputSizes;
        private final long samples;
        private final long groups;
        private final long channels;

        Placement(Window window, Shape inputs, Shape unfolded, List<Long> outputSizes) {
            this.window = window;
            this.inputs = inputs;
            this.spatialInputs = window.spatial(inputs);
            this.outputSizes = outputSizes;
            this.samples = inputs.size(0);
            this.groups = unfolded.size(1);
            this.channels = inputs.size(1) / Math.max(1, groups);
        }

        /** {@code [B, G, *out, C/G, K]}. */
        Shape unfolded() {
            Shape shape = Shape.of(samples, groups);
            for (long size : outputSizes) {
                shape = shape.append(size);
            }
            return shape.append(channels, window.elements());
        }

        Region inputs(long element) {
            Region region = Region.all(inputs);
            List<Long> starts = new ArrayList<>(region.starts());
            List<Long> steps = new ArrayList<>(region.steps());
            List<Long> sizes = new ArrayList<>(region.sizes());
            for (int axis = 0; axis < window.axes(); axis++) {
                Window.Overlap overlap = overlap(axis, element);
                starts.set(2 + axis, overlap.firstInput());
                steps.set(2 + axis, window.stride().get(axis));
                sizes.set(2 + axis, overlap.count());
            }
            return new Region(starts, steps, sizes);
        }

        Region columns(long element) {
            Region region = Region.all(unfolded());
            for (int axis = 0; axis < window.axes(); axis++) {
                Window.Overlap overlap = overlap(axis, element);
                region = region.with(2 + axis, overlap.firstOutput(), overlap.count());
            }
            return region.with(3 + window.axes(), element, 1);
        }

        Shape byChannel(Region region) {
            return Shape.of(samples, groups, channels, positions(region));
        }

        Shape byPosition(Region region) {
            return Shape.of(samples, groups, positions(region), channels);
        }

        private static long positions(Region region) {
            return region.shape().dropFirst(2).elements();
        }

        private Window.Overlap overlap(int axis, long element) {
            long below = 1;
            for (int other = axis + 1; other < window.axes(); other++) {
                below *= window.kernel().get(other);
            }
            long k = element / below % window.kernel().get(axis);
            return window.overlap(axis, k, spatialInputs.size(axis), outputSizes.get(axis));
        }
    }
}
