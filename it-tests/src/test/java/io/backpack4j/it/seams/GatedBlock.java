// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A composition of a composition. */
public record GatedBlock(long features) implements Composition {

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        String[] all = IntStream.range(0, inputs.size())
                .mapToObj(CompositionGraph::input)
                .toArray(String[]::new);
        return CompositionGraph.builder()
                .part("self_attn", "GatedAttention", Map.of("features", features, "dropout", 0.4), all)
                .part("linear1", "Linear", Map.of("in_features", features, "out_features", features), "self_attn")
                .part("end", "Tanh", Map.of(), "linear1")
                .build();
    }
}
