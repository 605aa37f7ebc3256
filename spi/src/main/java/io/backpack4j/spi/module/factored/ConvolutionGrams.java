// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;

/**
 * Inner products of the weight gradients of convolutions. Where all gradients are small they are made, sample by
 * sample, which needs cotangents in no other order and no copy of them. Else inputs are unfolded once and are factors
 * then, {@code [S, C·K]} beside cotangents {@code [S, O]}: gradients that are made by rows would unfold them anew for
 * every few rows.
 */
public final class ConvolutionGrams {

    /** How much memory unfolded inputs, reordered cotangents or all gradients may take. */
    private static final long MANY_BYTES = 32 << 20;

    private static final FactorSource NONE = (scope, block) -> {
        throw new IllegalStateException("No factors are needed to choose");
    };

    private ConvolutionGrams() {}

    /**
     * Adds ⟨g_vn, h_wm⟩ for all pairs of samples.
     *
     * @param left the gradients to the left, whose outputs have V·N rows and whose inputs N
     * @param right those to the right; the same for a signal with itself
     * @param destination {@code [V·N, W·M]}; added to
     * @return whether it was done: not for several groups, or large unfolded inputs
     */
    public static boolean add(
            Backend backend, PerSampleConvolution left, PerSampleConvolution right, Tensor destination) {
        boolean same = left.equals(right);
        if (areSmall(left) && areSmall(right)) {
            addMade(backend, left, right, destination);
            return true;
        }
        if (left.groups() != 1 || bytesOfInputs(left) > MANY_BYTES || bytesOfInputs(right) > MANY_BYTES) {
            return false;
        }
        DType dtype = left.outputs().dtype();
        boolean fits = Math.max(bytes(left.outputs()), bytes(right.outputs())) <= MANY_BYTES;
        boolean positionsFirst = left.positions() == 1
                || (fits
                        && new CrossGrams(backend, dtype, sizes(left, true), NONE, NONE)
                                .isCheaper(counts(left, right), false, same));
        try (TensorScope scope = backend.openScope()) {
            Tensor ofLeft = unfolded(backend, scope, left);
            FactoredParameter lefts = factored(backend, scope, left, ofLeft, positionsFirst);
            Tensor ofRight = left.inputs() == right.inputs() ? ofLeft : unfolded(backend, scope, right);
            FactoredParameter rights = same ? lefts : factored(backend, scope, right, ofRight, positionsFirst);
            ParameterDerivatives.addInnerProducts(lefts, rights, false, destination);
        }
        return true;
    }

    /** Whether all gradients fit, and take less than the cotangents that they are made of. */
    private static boolean areSmall(PerSampleConvolution product) {
        double bytes = (double) product.batch()
                * product.weight().elements()
                * product.outputs().dtype().bytes();
        return bytes > 0 && bytes <= Math.min(MANY_BYTES, bytes(product.outputs()));
    }

    private static void addMade(
            Backend backend, PerSampleConvolution left, PerSampleConvolution right, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            ParameterDerivatives lefts = made(backend, scope, left);
            ParameterDerivatives rights = left.equals(right) ? lefts : made(backend, scope, right);
            ParameterDerivatives.addInnerProducts(lefts, rights, false, destination);
        }
    }

    private static ParameterDerivatives made(Backend backend, TensorScope scope, PerSampleConvolution product) {
        Tensor gradients = scope.allocate(
                product.weight().prepend(product.batch()), product.outputs().dtype());
        backend.convolutions().contract(product, List.of(new TileConsumer.Copy(gradients)));
        return new MadeGradients(
                backend, scope.view(gradients, product.weight().prepend(columns(product), samples(product))));
    }

    private static CrossGrams.Counts counts(PerSampleConvolution left, PerSampleConvolution right) {
        return new CrossGrams.Counts(columns(left), samples(left), columns(right), samples(right));
    }

    private static long samples(PerSampleConvolution product) {
        return product.inputs().shape().size(0);
    }

    private static long columns(PerSampleConvolution product) {
        return product.outputs().shape().size(0) / Math.max(1, samples(product));
    }

    private static FactorSizes sizes(PerSampleConvolution product, boolean positionsFirst) {
        return new FactorSizes(1, product.rows(), product.columns(), product.positions(), positionsFirst);
    }

    private static long bytes(Tensor tensor) {
        return tensor.shape().elements() * tensor.dtype().bytes();
    }

    private static double bytesOfInputs(PerSampleConvolution product) {
        return (double) samples(product)
                * product.positions()
                * product.columns()
                * product.inputs().dtype().bytes();
    }

    /** {@code [N, 1, S, C·K]}. */
    private static Tensor unfolded(Backend backend, TensorScope scope, PerSampleConvolution product) {
        Shape shape = Shape.of(samples(product), 1, product.positions(), product.columns());
        Tensor unfolded = scope.allocate(shape, product.inputs().dtype());
        Shape outputs = product.window().spatial(product.outputs().shape());
        backend.convolutions().unfold(product.window(), product.inputs(), sizesOf(outputs), unfolded);
        return unfolded;
    }

    private static List<Long> sizesOf(Shape shape) {
        return Arrays.stream(shape.toArray()).boxed().toList();
    }

    private static FactoredParameter factored(
            Backend backend, TensorScope scope, PerSampleConvolution product, Tensor unfolded, boolean positionsFirst) {
        long rows = product.outputs().shape().size(0);
        Tensor channelsFirst = scope.view(product.outputs(), Shape.of(rows, 1, product.rows(), product.positions()));
        Tensor outputs = channelsFirst;
        if (positionsFirst) {
            Shape reordered = Shape.of(rows, 1, product.positions(), product.rows());
            if (product.positions() == 1) {
                outputs = scope.view(product.outputs(), reordered);
            } else {
                outputs = scope.allocate(reordered, channelsFirst.dtype());
                backend.indexing().permute(channelsFirst, new int[] {0, 1, 3, 2}, outputs);
            }
        }
        Tensor byColumn = scope.view(outputs, outputs.shape().dropFirst(1).prepend(columns(product), samples(product)));
        FactorSource source = (own, block) -> new PerSampleProduct(
                SampleBlocks.rows(backend, own, byColumn, block),
                positionsFirst,
                own.rows(unfolded, block.fromSample(), block.toSample()),
                false);
        return new FactoredParameter(
                backend,
                product.weight(),
                outputs.dtype(),
                columns(product),
                samples(product),
                sizes(product, positionsFirst),
                source);
    }
}
