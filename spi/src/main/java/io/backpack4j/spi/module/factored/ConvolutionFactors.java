// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/**
 * The Kronecker factors of the weights of convolutions and of transposed ones, for the derivatives of such weights to
 * hand on to. Grosse and Martens (2016), "A Kronecker-factored approximate Fisher matrix for convolution layers"; the
 * default convention is BackPACK's.
 */
public final class ConvolutionFactors {

    private ConvolutionFactors() {}

    /**
     * The sizes for a convolution's weight.
     *
     * @param weight {@code [O, C/G, *kernel]}
     * @param groups G
     */
    public static KroneckerSizes sizes(Shape weight, long groups) {
        return new KroneckerSizes(
                groups, weight.size(0) / groups, weight.elements(1, weight.rank()), 1, KroneckerConvention.BACKPACK);
    }

    /**
     * The sizes for a transposed convolution's weight. Its input side is that of weight.transpose(0, 1): rows are
     * ordered by input channel, then by element of the kernel.
     *
     * @param weight {@code [input channels, output channels / G, *kernel]}
     * @param groups G
     */
    public static KroneckerSizes transposedSizes(Shape weight, long groups) {
        long channels = weight.size(0) / groups;
        return new KroneckerSizes(
                groups,
                weight.size(1),
                channels * weight.elements(2, weight.rank()),
                channels,
                KroneckerConvention.BACKPACK);
    }

    /**
     * Adds the input side of a convolution's weight to the task's destination, or overwrites it unless the task
     * accumulates.
     *
     * @param product the weight's gradients: outputs are cotangents, inputs the convolution's
     */
    public static void input(
            Backend backend, PerSampleConvolution product, Contraction.InputFactor factor, ContractionTask task) {
        List<Long> positions = sizes(product.window().spatial(product.outputs().shape()));
        var convention = new KroneckerPositions(factor.convention(), count(positions));
        try (TensorScope scope = backend.openScope()) {
            backend.convolutions()
                    .inputGram(
                            product.window(),
                            product.inputs(),
                            positions,
                            convention.sumsInputs(),
                            factor.scale() * convention.inputScale(),
                            task.accumulate(),
                            byGroup(
                                    scope,
                                    task,
                                    factor.sizes().groups(),
                                    factor.sizes().inputs()));
        }
    }

    /**
     * Adds the input side of a transposed convolution's weight to the task's destination.
     *
     * @param product the weight's gradients: outputs are the transposed convolution's inputs, inputs are cotangents
     */
    public static void inputTransposed(
            Backend backend, PerSampleConvolution product, Contraction.InputFactor factor, ContractionTask task) {
        List<Long> positions = sizes(product.window().spatial(product.inputs().shape()));
        var convention = new KroneckerPositions(factor.convention(), count(positions));
        try (TensorScope scope = backend.openScope()) {
            backend.convolutions()
                    .addOutputGram(
                            product.window(),
                            product.outputs(),
                            positions,
                            convention.sumsInputs(),
                            factor.scale() * convention.inputScale(),
                            byGroup(
                                    scope,
                                    task,
                                    factor.sizes().groups(),
                                    factor.sizes().inputs()));
        }
    }

    /**
     * Adds the output side of the weight of a convolution, or of a transposed one, to the task's destination.
     *
     * @param cotangents {@code [B, output channels, *positions]}
     */
    public static void output(
            Backend backend, Tensor cotangents, Contraction.OutputFactor factor, ContractionTask task) {
        Shape shape = cotangents.shape();
        long groups = factor.sizes().groups();
        long outputs = factor.sizes().outputs();
        long positions = shape.elements(2, shape.rank());
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = scope.view(cotangents, Shape.of(shape.size(0), groups, outputs, positions));
            boolean summed = new KroneckerPositions(factor.convention(), positions).sumsOutputs();
            backend.products().addGram(vectors, false, summed, 1, byGroup(scope, task, groups, outputs));
        }
    }

    private static Tensor byGroup(TensorScope scope, ContractionTask task, long groups, long length) {
        return scope.view(task.destination(), Shape.of(groups, length, length));
    }

    private static List<Long> sizes(Shape spatial) {
        List<Long> sizes = new ArrayList<>();
        for (long size : spatial.toArray()) {
            sizes.add(size);
        }
        return sizes;
    }

    private static long count(List<Long> sizes) {
        return sizes.stream().reduce(1L, (a, b) -> a * b);
    }
}
