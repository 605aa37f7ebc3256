// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;

/**
 * Rows 0 and 1 of a weight used twice, rows 1 and 2 once, rows 4 and 5 once, and row 3 not at all: tanh(a ⊙ b) ⊙ c ⊙ d
 * + x.
 */
record OverlappingRows() implements Composition {

    static final Map<String, RowBlock> ROWS =
            Map.of("a", new RowBlock(0, 2), "b", new RowBlock(1, 3), "c", new RowBlock(0, 2), "d", new RowBlock(4, 6));

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        String x = CompositionGraph.input(0);
        CompositionGraph.Builder graph = CompositionGraph.builder()
                .parameter(ParameterSpec.parameter("weight", Shape.of(6, 2), new Initializer.Uniform(1)));
        for (String name : List.of("a", "b", "c", "d")) {
            graph.part(name, "Linear", Map.of("in_features", 2, "out_features", 2, "bias", false), x)
                    .use("weight", "weight", ROWS.get(name));
        }
        return graph.part("first", "Mul", Map.of(), "a", "b")
                .part("bend", "Tanh", Map.of(), "first")
                .part("second", "Mul", Map.of(), "bend", "c", "d")
                .part("residual", "Sum", Map.of(), "second", x)
                .build();
    }
}
