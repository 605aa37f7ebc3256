// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Binds graphs, and keeps the last one: whoever looks at the parameters of a graph before a model is made of it does
 * not have it bound twice. Safe for threads.
 */
public final class Bindings {

    private final PartMaker maker;
    private volatile @Nullable Binding last;

    private record Binding(Graph graph, List<Shape> inputShapes, BoundGraph bound) {

        boolean is(Graph otherGraph, List<Shape> otherShapes) {
            return graph == otherGraph && inputShapes.equals(otherShapes);
        }
    }

    /** @param maker makes the parts of compositions */
    public Bindings(PartMaker maker) {
        this.maker = maker;
    }

    /**
     * Binds a graph whose modules are in the modes that they say.
     *
     * @param inputShapes the shape of one sample of each input
     */
    public BoundGraph bind(Graph graph, List<Shape> inputShapes) {
        Binding known = last;
        if (known != null && known.is(graph, inputShapes)) {
            return known.bound();
        }
        BoundGraph bound = BoundGraph.bind(graph, inputShapes, maker);
        last = new Binding(graph, bound.inputShapes(), bound);
        return bound;
    }
}
