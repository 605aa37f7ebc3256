// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/** The cotangents of one signal at the nodes' outputs. Where paths meet, columns add. */
public final class Cotangents implements AutoCloseable {

    private final Backend backend;
    private final TensorScope scope;
    private final @Nullable Tensor[] atNodes;
    private final boolean[] own;

    public Cotangents(Backend backend, int nodes) {
        this.backend = backend;
        this.scope = backend.openScope();
        this.atNodes = new @Nullable Tensor[nodes];
        this.own = new boolean[nodes];
    }

    /**
     * Adds cotangents of a node's output; takes the tensor over. It may share memory, so the first sum goes elsewhere.
     */
    public void add(int node, Tensor cotangents) {
        scope.adopt(cotangents);
        Tensor present = atNodes[node];
        if (present == null) {
            atNodes[node] = cotangents;
            return;
        }
        if (own[node]) {
            backend.elementwise().addScaled(1, cotangents, present);
        } else {
            Tensor sum = scope.allocate(present.shape(), present.dtype());
            backend.elementwise().combine(BinaryOperation.ADD, present, cotangents, sum);
            present.close();
            atNodes[node] = sum;
            own[node] = true;
        }
        cotangents.close();
    }

    /** The cotangents of a node's output, complete once all its readers were visited; the caller closes them. */
    @Nullable
    public Tensor take(int node) {
        Tensor cotangents = atNodes[node];
        atNodes[node] = null;
        return cotangents;
    }

    @Override
    public void close() {
        scope.close();
    }
}
