// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.OutputColumns;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The empirical neural tangent kernel: the inner products of the Jacobian's rows, ⟨∂f_nc/∂θ, ∂f_md/∂θ⟩, {@code [N, C,
 * N, C]}, C counting all numbers of a sample's output. Nothing of the loss is in it. Jacot, Gabriel, Hongler (2018),
 * "Neural Tangent Kernel".
 *
 * @param layerwise whether every parameter has a kernel of its own, too
 */
public record Ntk(boolean layerwise) implements GramMatrix {

    /** Of all parameters together. */
    public Ntk() {
        this(false);
    }

    @Override
    public String resultName() {
        return "ntk";
    }

    @Override
    public Signal signal() {
        return new OutputColumns();
    }

    @Override
    public Tensor made(Space space, Tensor gram) {
        long samples = space.samples();
        long columns = gram.shape().size(0) / samples;
        Tensor result = space.scope().allocate(Shape.of(samples, columns, samples, columns), gram.dtype());
        try (TensorScope scope = space.backend().openScope()) {
            Tensor apart = scope.view(gram, Shape.of(columns, samples, columns, samples));
            space.backend().indexing().permute(apart, new int[] {1, 0, 3, 2}, result);
        }
        return result;
    }
}
