// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;

/**
 * Whose a tensor is, and whether its backend is open: what all backends check alike. Each instance of a backend has
 * one, which its scopes are made with.
 *
 * <p>May be used by any thread.
 *
 * @param <T> the backend's tensors
 */
public final class TensorKeeper<T extends ScopedTensor> {

    private final String backend;
    private final Class<T> type;
    private volatile boolean closed;

    /**
     * Creates the keeper of an open backend.
     *
     * @param backend the backend's id
     * @param type the class of its tensors
     */
    public TensorKeeper(String backend, Class<T> type) {
        this.backend = backend;
        this.type = type;
    }

    /** The backend's id. */
    public String backend() {
        return backend;
    }

    /**
     * A tensor as the backend's own.
     *
     * @throws BackpackException {@code ForeignTensor} if another backend keeps it, or another instance of the same one;
     *     {@code ClosedTensor}, {@code ClosedBackend}
     */
    public T own(Tensor tensor) {
        if (!type.isInstance(tensor)) {
            throw new BackpackException(
                    CommonProblems.FOREIGN_TENSOR,
                    ("A tensor of shape %s belongs to backend '%s' and cannot be used with backend '%s'."
                                    + " Copy it through arrays.")
                            .formatted(tensor.shape(), tensor.backend(), backend));
        }
        T own = type.cast(tensor);
        if (own.scope.keeper != this) {
            throw new BackpackException(
                    CommonProblems.FOREIGN_TENSOR,
                    ("A tensor of shape %s belongs to another instance of backend '%s' and cannot be used with this"
                                    + " one. Copy it through arrays.")
                            .formatted(tensor.shape(), backend));
        }
        own.requireOpen();
        return own;
    }

    /**
     * Fails if the backend was closed.
     *
     * @throws BackpackException {@code ClosedBackend}
     */
    public void requireOpen() {
        if (closed) {
            throw new BackpackException(
                    CommonProblems.CLOSED_BACKEND, "Backend '%s' was used after it was closed.".formatted(backend));
        }
    }

    /**
     * Refuses all use from now on.
     *
     * @return whether it was open until now
     */
    public synchronized boolean close() {
        boolean first = !closed;
        closed = true;
        return first;
    }
}
