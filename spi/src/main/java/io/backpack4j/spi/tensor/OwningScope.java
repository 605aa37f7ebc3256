// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.ArrayList;

/**
 * The bookkeeping of a scope, which is the same for all backends: which handles it owns, and that nobody uses it once
 * it is closed. Backends extend it with memory. Taking, giving away and closing a handle takes constant time.
 *
 * @param <T> the backend's tensors
 */
public abstract class OwningScope<T extends ScopedTensor> implements TensorScope {

    final TensorKeeper<T> keeper;

    private final ArrayList<ScopedTensor> tensors = new ArrayList<>();
    private boolean closed;

    /**
     * Creates an open scope that owns nothing.
     *
     * @param keeper the backend's
     */
    protected OwningScope(TensorKeeper<T> keeper) {
        this.keeper = keeper;
    }

    /** A tensor as the backend's own; fails for a foreign tensor or a closed one. */
    protected T own(Tensor tensor) {
        return keeper.own(tensor);
    }

    /**
     * Creates a handle that shares another one's memory, and keeps it.
     *
     * @param whole the other handle
     * @param from its element that is the first one of the new handle
     * @param shape the new handle's shape, within the other one
     */
    protected abstract T share(T whole, long from, Shape shape);

    /** Called once, after all handles were closed. */
    protected void closed() {}

    /** Makes a new handle this scope's. Returns it. */
    protected final T keep(T tensor) {
        take(tensor);
        return tensor;
    }

    /**
     * Fails if this scope or its backend was closed.
     *
     * @throws BackpackException {@code ClosedScope}, {@code ClosedBackend}
     */
    protected final void requireOpen() {
        if (closed) {
            throw new BackpackException(CommonProblems.CLOSED_SCOPE, "A scope was used after it was closed.");
        }
        keeper.requireOpen();
    }

    @Override
    public final T view(Tensor tensor, Shape shape) {
        requireOpen();
        T whole = own(tensor);
        long elements = whole.shape().elements();
        if (shape.elements() != elements) {
            throw new BackpackException(
                    CommonProblems.INVALID_VIEW,
                    "A tensor of shape %s has %d elements and cannot be viewed as %s, which has %d."
                            .formatted(whole.shape(), elements, shape, shape.elements()));
        }
        return share(whole, 0, shape);
    }

    @Override
    public final T rows(Tensor tensor, long from, long to) {
        requireOpen();
        T whole = own(tensor);
        Shape shape = whole.shape();
        if (shape.rank() == 0 || from < 0 || from > to || to > shape.size(0)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ROWS,
                    "A tensor of shape %s has no rows %d to %d (exclusive).".formatted(shape, from, to));
        }
        return share(whole, from * shape.elements(1, shape.rank()), shape.with(0, to - from));
    }

    @Override
    public final T adopt(Tensor tensor) {
        requireOpen();
        T taken = own(tensor);
        if (taken.scope != this) {
            taken.scope.forget(taken);
            take(taken);
        }
        return taken;
    }

    @Override
    public final void close() {
        if (!closed) {
            closed = true;
            for (int i = tensors.size() - 1; i >= 0; i--) {
                tensors.get(i).release();
            }
            tensors.clear();
            closed();
        }
    }

    /** Removes a handle; the last one takes its place. */
    final void forget(ScopedTensor tensor) {
        if (!closed) {
            ScopedTensor last = tensors.remove(tensors.size() - 1);
            if (last != tensor) {
                tensors.set(tensor.place, last);
                last.place = tensor.place;
            }
        }
    }

    private void take(ScopedTensor tensor) {
        tensor.scope = this;
        tensor.place = tensors.size();
        tensors.add(tensor);
    }
}
