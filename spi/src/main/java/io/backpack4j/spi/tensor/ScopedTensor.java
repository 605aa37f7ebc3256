// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;

/**
 * What the tensors of all backends have in common: a shape, a type, and a place in the scope that owns them. Backends
 * extend it with their memory.
 *
 * <p>Belongs to the thread of its scope; {@link #isClosed} may be asked by any thread.
 */
public abstract class ScopedTensor implements Tensor {

    private final Shape shape;
    private final DType dtype;
    private volatile boolean closed;

    /** The scope that owns this handle, and the place there. */
    OwningScope<?> scope;

    int place;

    /**
     * Creates a handle, which {@link OwningScope#keep} has yet to take.
     *
     * @param scope the scope that is going to own it
     * @param shape its shape
     * @param dtype its type
     */
    protected ScopedTensor(OwningScope<?> scope, Shape shape, DType dtype) {
        this.scope = scope;
        this.shape = shape;
        this.dtype = dtype;
    }

    /** Gives this handle's share of the memory back. Called once. */
    protected abstract void free();

    @Override
    public final String backend() {
        return scope.keeper.backend();
    }

    @Override
    public final Shape shape() {
        return shape;
    }

    @Override
    public final DType dtype() {
        return dtype;
    }

    @Override
    public final boolean isClosed() {
        return closed;
    }

    @Override
    public final void close() {
        if (!closed) {
            scope.forget(this);
            release();
        }
    }

    /** Closes this handle without telling its scope. */
    final void release() {
        if (!closed) {
            closed = true;
            free();
        }
    }

    /**
     * Fails if this handle or its backend was closed.
     *
     * @throws BackpackException {@code ClosedTensor}, {@code ClosedBackend}
     */
    protected final void requireOpen() {
        if (closed) {
            throw new BackpackException(
                    CommonProblems.CLOSED_TENSOR,
                    "A tensor of shape %s was used after it, or the scope that owns it, was closed.".formatted(shape));
        }
        scope.keeper.requireOpen();
    }

    /**
     * Fails if this handle was closed or has no such elements.
     *
     * @throws BackpackException {@code ClosedTensor} or {@code RangeOutOfBounds}
     */
    protected final void requireRange(long from, int count) {
        requireOpen();
        long elements = shape.elements();
        if (from < 0 || count < 0 || from + count > elements) {
            throw new BackpackException(
                    CommonProblems.RANGE_OUT_OF_BOUNDS,
                    "Elements %d to %d (exclusive) were asked of a tensor of shape %s, which has %d."
                            .formatted(from, from + count, shape, elements));
        }
    }

    /**
     * Fails if the elements are of the other kind.
     *
     * @param floating whether they have to be floating
     * @param use what was tried, for instance "read as integers"
     * @throws BackpackException {@code WrongType}
     */
    protected final void requireFloating(boolean floating, String use) {
        if (dtype.isFloating() != floating) {
            throw new BackpackException(
                    CommonProblems.WRONG_TYPE,
                    "A tensor of type %s and shape %s cannot be %s.".formatted(dtype, shape, use));
        }
    }

    @Override
    public String toString() {
        return "Tensor " + shape + " " + dtype + " on " + backend() + (closed ? ", closed" : "");
    }
}
