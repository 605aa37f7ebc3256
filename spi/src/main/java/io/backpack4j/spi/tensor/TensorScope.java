// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

/**
 * Owns tensors and closes them together. Every tensor has exactly one scope, so nothing leaks as long as scopes close.
 *
 * <p>A scope belongs to one thread. Tensors may close earlier than their scope. A steady sequence of scopes of the same
 * shapes takes no new native memory: what one returns, the next one gets.
 */
public interface TensorScope extends AutoCloseable {

    /** Allocates a tensor with undefined contents. */
    Tensor allocate(Shape shape, DType dtype);

    /**
     * Another handle on the same elements in row-major order under another shape, owned by this scope. Memory is
     * shared: what is written to one is seen by the other.
     *
     * @param tensor a tensor of any scope of the same backend
     * @param shape with as many elements as {@code tensor}
     */
    Tensor view(Tensor tensor, Shape shape);

    /** A handle on the rows {@code from} (inclusive) to {@code to} (exclusive) of the first axis, sharing memory. */
    Tensor rows(Tensor tensor, long from, long to);

    /** Takes a tensor over from the scope that owns it, so that it outlives that scope. Returns the tensor. */
    Tensor adopt(Tensor tensor);

    /** Closes all tensors that this scope owns. Closing twice does nothing. */
    @Override
    void close();
}
