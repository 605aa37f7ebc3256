// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Layer;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A model whose numbers lie on a backend. */
public final class StoredModel implements Model {

    private final BoundGraph bound;
    private final @Nullable Loss loss;
    private final DType dtype;
    private final ParameterStore parameters;

    /** @param seed from which parameters that nobody has set are drawn at their first use */
    public StoredModel(Backend backend, BoundGraph bound, @Nullable Loss loss, DType dtype, long seed) {
        this.bound = bound;
        this.loss = loss;
        this.dtype = dtype;
        this.parameters = new ParameterStore(backend, bound, dtype, seed);
    }

    /** The graph with the shapes of {@link #inputShapes}, its modules in the modes that they say. */
    public BoundGraph bound() {
        return bound;
    }

    @Override
    public Graph graph() {
        return bound.graph();
    }

    @Override
    public Loss loss() {
        if (loss == null) {
            throw new BackpackException(
                    KernelProblems.MISSING_LOSS,
                    "The model has no loss. Make it with one; predictions alone do without.");
        }
        return loss;
    }

    @Override
    public boolean hasLoss() {
        return loss != null;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public List<Shape> inputShapes() {
        return bound.inputShapes();
    }

    @Override
    public Shape outputShape() {
        return bound.outputShape();
    }

    @Override
    public List<Layer> layers() {
        return Layers.of(bound);
    }

    @Override
    public Parameters parameters() {
        return parameters;
    }

    @Override
    public void close() {
        parameters.close();
    }

    @Override
    public String toString() {
        return ModelSummary.of(bound, loss == null ? "no loss" : loss.type(), dtype);
    }
}
