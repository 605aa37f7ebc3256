// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks convolutions, and counts the scratch of one that unfolds its inputs some samples at a time. */
record DryRunConvolutions(DryRunBackend backend) implements Convolutions {

    /** Memory that one run of samples may take, unless one sample takes more. */
    private static final long RUN_BYTES = 4 << 20;

    @Override
    public void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        TensorChecks.floating("convolve", x, weight, destination);
        checkBias("convolve", bias, destination);
        checkSizes("convolve", window, destination.shape(), x.shape(), weight.shape());
        checkBatches("convolve", destination, x);
        count(destination.shape().elements(), groups(x.shape(), weight.shape()), x, weight, destination);
        countRun(unfolded(window, destination.shape(), weight.shape(), x.shape()), x);
    }

    @Override
    public void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        TensorChecks.floating("convolveTransposed", y, weight, destination);
        checkBias("convolveTransposed", bias, destination);
        checkSizes("convolveTransposed", window, y.shape(), destination.shape(), weight.shape());
        checkBatches("convolveTransposed", y, destination);
        count(y.shape().elements(), groups(destination.shape(), weight.shape()), y, weight, destination);
        countRun(unfolded(window, y.shape(), weight.shape(), destination.shape()), y);
    }

    @Override
    public void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, x, destination);
        TensorChecks.floating("unfold", x, destination);
        checkUnfolded("unfold", window, x.shape(), outputSizes, destination.shape());
    }

    @Override
    public void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination) {
        backend.meter().add(WorkKind.MOVEMENT, unfolded, destination);
        TensorChecks.floating("fold", unfolded, destination);
        checkUnfolded("fold", window, destination.shape(), outputSizes, unfolded.shape());
    }

    @Override
    public void contract(PerSampleConvolution product, List<TileConsumer> consumers) {
        check("contract", product);
        Shape weight = product.weight();
        count(product);
        new DryRunContractions(backend).consumed((double) product.batch() * weight.elements(), consumers);
        backend.meter().withoutCounting(() -> allocate(product, consumers));
    }

    private void allocate(PerSampleConvolution product, List<TileConsumer> consumers) {
        Shape weight = product.weight();
        try (TensorScope scope = backend.openScope()) {
            allocateRun(scope, unfolded(product), product.inputs());
            allocateRun(scope, weight.prepend(product.samples()), product.inputs());
            if (product.batch() > 0) {
                Tensor tile = scope.allocate(weight.prepend(1), product.inputs().dtype());
                backend.contractions().consume(tile, product.batch() - 1, product.batch(), consumers);
            }
        }
    }

    @Override
    public void squaredNorms(PerSampleConvolution product, Tensor destination) {
        check("squaredNorms", product);
        TensorChecks.floating("squaredNorms", product.inputs(), destination);
        TensorChecks.sameShape("squaredNorms", Shape.of(product.batch()), destination);
        long positions = product.positions();
        if (product.prefersGram()) {
            double multiplied = (double) positions * positions * (product.rows() + product.columns());
            long parts = product.batch() * product.groups();
            backend.meter()
                    .add(
                            WorkKind.PRODUCT,
                            2 * parts * multiplied,
                            parts,
                            product.outputs(),
                            product.inputs(),
                            destination);
        } else {
            count(product);
            backend.meter()
                    .add(
                            WorkKind.ELEMENTWISE,
                            (double) product.batch() * product.weight().elements(),
                            1,
                            destination);
        }
        Shape tile = product.prefersGram() ? Shape.of(2, product.groups(), positions, positions) : product.weight();
        try (TensorScope scope = backend.openScope()) {
            allocateRun(scope, unfolded(product), product.inputs());
            allocateRun(scope, tile.prepend(product.samples()), product.inputs());
        }
    }

    /** Adds a convolution in which every element of {@code outputs} is multiplied with a window's inputs. */
    private void count(double outputs, long groups, Tensor first, Tensor weight, Tensor last) {
        double perOutput = weight.shape().elements(1, weight.shape().rank());
        long parts = first.shape().size(0);
        backend.meter().add(kind(groups, weight.shape()), 2 * outputs * perOutput, parts, first, weight, last);
    }

    /** Adds the tiles of single samples. */
    private void count(PerSampleConvolution product) {
        double multiplied = (double) product.weight().elements() * product.positions() * product.batch();
        backend.meter()
                .add(
                        kind(product.groups(), product.weight()),
                        2 * multiplied,
                        product.batch(),
                        product.outputs(),
                        product.inputs());
    }

    private static WorkKind kind(long groups, Shape weight) {
        return groups > 1 && weight.size(1) == 1 ? WorkKind.DEPTHWISE : WorkKind.CONVOLUTION;
    }

    private static void check(String operation, PerSampleConvolution product) {
        TensorChecks.floating(operation, product.outputs(), product.inputs());
        Shape outputs = product.outputs().shape();
        Shape inputs = product.inputs().shape();
        checkSizes(operation, product.window(), outputs, inputs, product.weight());
        TensorChecks.require(
                product.samples() == 0 || product.batch() % product.samples() == 0,
                operation,
                "needs one batch to be a multiple of the other, not " + outputs + " and " + inputs);
    }

    private static void checkBatches(String operation, Tensor outputs, Tensor inputs) {
        TensorChecks.require(
                outputs.shape().size(0) == inputs.shape().size(0),
                operation,
                "needs equal batches, not " + inputs.shape() + " and " + outputs.shape());
    }

    private static void checkBias(String operation, @Nullable Tensor bias, Tensor destination) {
        if (bias != null) {
            TensorChecks.floating(operation, destination, bias);
            TensorChecks.require(
                    destination.shape().rank() > 1
                            && bias.shape().equals(destination.shape().slice(1, 2)),
                    operation,
                    "needs one bias per channel, not %s for %s".formatted(bias.shape(), destination.shape()));
        }
    }

    private static void checkSizes(String operation, Window window, Shape outputs, Shape inputs, Shape weight) {
        int rank = 2 + window.axes();
        TensorChecks.require(
                outputs.rank() == rank && inputs.rank() == rank && weight.rank() == rank,
                operation,
                "needs %d spatial axes in inputs, weight and outputs, not %s, %s and %s"
                        .formatted(window.axes(), inputs, weight, outputs));
        TensorChecks.require(
                weight.dropFirst(2).equals(shape(window.kernel())),
                operation,
                "needs a weight of the window's size %s, not %s".formatted(window.kernel(), weight));
        long perGroup = weight.size(1);
        TensorChecks.require(
                perGroup == 0 ? inputs.size(1) == 0 : inputs.size(1) % perGroup == 0,
                operation,
                "cannot make groups of %s with weight %s".formatted(inputs, weight));
        long groups = groups(inputs, weight);
        TensorChecks.require(
                outputs.size(1) == weight.size(0) && groups > 0 && outputs.size(1) % groups == 0,
                operation,
                "needs the weight's output channels in %d groups: weight %s, outputs %s"
                        .formatted(groups, weight, outputs));
    }

    private static void checkUnfolded(
            String operation, Window window, Shape inputs, List<Long> outputSizes, Shape unfolded) {
        TensorChecks.require(
                inputs.rank() == 2 + window.axes() && outputSizes.size() == window.axes(),
                operation,
                "needs %d spatial axes, not %s and positions %s".formatted(window.axes(), inputs, outputSizes));
        TensorChecks.require(
                unfolded.rank() == 4 && unfolded.size(1) > 0 && inputs.size(1) % unfolded.size(1) == 0,
                operation,
                "needs [B, G, S, C/G · K], G dividing the channels of " + inputs + ", not " + unfolded);
        long groups = unfolded.size(1);
        Shape expected = Shape.of(
                inputs.size(0), groups, shape(outputSizes).elements(), inputs.size(1) / groups * window.elements());
        TensorChecks.require(
                unfolded.equals(expected),
                operation,
                "of %s needs unfolded shape %s, but was given %s".formatted(inputs, expected, unfolded));
    }

    private static long groups(Shape inputs, Shape weight) {
        return weight.size(1) == 0 ? 1 : inputs.size(1) / weight.size(1);
    }

    private static Shape unfolded(PerSampleConvolution product) {
        Shape inputs = product.inputs().shape().with(0, product.samples());
        return unfolded(product.window(), product.outputs().shape(), product.weight(), inputs);
    }

    /** {@code [N, G, S, C/G · K]}. */
    private static Shape unfolded(Window window, Shape outputs, Shape weight, Shape inputs) {
        return Shape.of(
                inputs.size(0),
                groups(inputs, weight),
                window.spatial(outputs).elements(),
                weight.elements(1, weight.rank()));
    }

    private static Shape shape(List<Long> sizes) {
        return Shape.of(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    private void countRun(Shape shape, Tensor like) {
        try (TensorScope scope = backend.openScope()) {
            allocateRun(scope, shape, like);
        }
    }

    /** Takes as many of the samples as fit into a run, but one at least. */
    private static void allocateRun(TensorScope scope, Shape shape, Tensor like) {
        long sample = Math.max(1, shape.dropFirst(1).elements() * like.dtype().bytes());
        long run = Math.max(1, RUN_BYTES / sample);
        scope.allocate(shape.with(0, Math.min(run, shape.size(0))), like.dtype());
    }
}
