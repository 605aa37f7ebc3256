// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Operations along one axis, of tensors {@code [*, length, inner]}: their last axis but one holds the lines.
 *
 * @param backend the arithmetic
 * @param scope where results are allocated
 */
@Experimental
public record Lines(Backend backend, TensorScope scope) {

    /**
     * The sum over every line.
     *
     * @return {@code [*, 1, inner]}
     */
    public Tensor sum(Tensor values) {
        Shape shape = values.shape();
        int axis = shape.rank() - 2;
        Tensor sum = scope.allocate(shape.with(axis, 1), values.dtype());
        try (TensorScope step = backend.openScope()) {
            Shape dropped = shape.slice(0, axis).append(shape.size(-1));
            backend.reductions().reduce(Reduction.SUM, values, axis, axis + 1, step.view(sum, dropped));
        }
        return sum;
    }

    /**
     * The mean over every line, 0 of an empty one.
     *
     * @return {@code [*, 1, inner]}
     */
    public Tensor mean(Tensor values) {
        Tensor mean = sum(values);
        backend.elementwise().affine(mean, 1.0 / Math.max(1, values.shape().size(-2)), 0, mean);
        return mean;
    }

    /**
     * The sum of products over every line.
     *
     * @param a with at least as many axes as {@code b}, whose shape stretches to that of {@code a} or the other way
     *     round
     * @return {@code [*, 1, inner]}
     */
    public Tensor dot(Tensor a, Tensor b) {
        try (TensorScope step = backend.openScope()) {
            return sum(product(step, a, b));
        }
    }

    /** The mean of products over every line, {@code [*, 1, inner]}; operands as in {@link #dot}. */
    public Tensor meanProduct(Tensor a, Tensor b) {
        try (TensorScope step = backend.openScope()) {
            return mean(product(step, a, b));
        }
    }

    private Tensor product(TensorScope step, Tensor a, Tensor b) {
        boolean stretches = a.shape().elements() < b.shape().elements();
        Shape shape = stretches ? b.shape() : a.shape();
        Tensor product = step.allocate(shape.rank() < a.shape().rank() ? shape.prepend(1) : shape, a.dtype());
        backend.elementwise().combine(BinaryOperation.MULTIPLY, a, b, product);
        return product;
    }
}
