// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The inner products of centred individual gradients, ⟨g_n − ḡ, g_m − ḡ⟩ with ḡ = (1/N) Σ g_n, {@code [N, N]}, with the
 * loss's factor in them. They are made of those of the gradients, so that digits cancel where gradients differ little.
 *
 * @param layerwise whether every parameter has a matrix of its own, too
 */
public record CenteredGramBatchGrad(boolean layerwise) implements GramMatrix {

    /** Of all parameters together. */
    public CenteredGramBatchGrad() {
        this(false);
    }

    @Override
    public String resultName() {
        return "centered_gram_batch_grad";
    }

    @Override
    public Signal signal() {
        return new LossGradient();
    }

    /** The matrix less the means of its columns, and of that the same with its rows. */
    @Override
    public Tensor made(Space space, Tensor gram) {
        long samples = space.samples();
        DType dtype = gram.dtype();
        Tensor result = space.scope().allocate(gram.shape(), dtype);
        try (TensorScope scope = space.backend().openScope()) {
            Tensor means = scope.allocate(Shape.of(samples), dtype);
            Means.over(space.backend(), gram, 0, means);
            space.backend().elementwise().combine(BinaryOperation.SUBTRACT, gram, means, result);
            Means.over(space.backend(), result, 1, means);
            Tensor ofRows = scope.view(means, Shape.of(samples, 1));
            space.backend().elementwise().combine(BinaryOperation.SUBTRACT, result, ofRows, result);
        }
        return result;
    }
}
