package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/** A model whose numbers lie on a backend. */
public final class StoredModel implements Model {

    private final Graph graph;
    private final Loss loss;
    private final DType dtype;
    private final List<Shape> inputShapes;
    private final Shape outputShape;
    private final ParameterStore parameters;

    public StoredModel(Backend backend, BoundGraph bound, Loss loss, DType dtype) {
        this.graph = bound.graph();
        this.loss = loss;
        this.dtype = dtype;
        this.inputShapes = bound.inputShapes();
        this.outputShape = bound.outputShape();
        this.parameters = new ParameterStore(backend, bound, dtype);
    }

    @Override
    public Graph graph() {
        return graph;
    }

    @Override
    public Loss loss() {
        return loss;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public List<Shape> inputShapes() {
        return inputShapes;
    }

    @Override
    public Shape outputShape() {
        return outputShape;
    }

    @Override
    public Parameters parameters() {
        return parameters;
    }

    @Override
    public void close() {
        parameters.close();
    }
}
