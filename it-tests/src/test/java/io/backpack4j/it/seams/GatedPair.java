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
 * Two compositions, one behind the other, that have their parameters in blocks of rows in this one's: blocks of blocks.
 */
public record GatedPair(long features, double dropout) implements Composition {

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        Map<String, Object> arguments = Map.of("features", features, "dropout", dropout);
        RowBlock upper = new RowBlock(0, 3 * features);
        RowBlock lower = new RowBlock(3 * features, 6 * features);
        return CompositionGraph.builder()
                .parameter(ParameterSpec.parameter(
                        "in_proj_weight", Shape.of(6 * features, features), new Initializer.Uniform(0.7)))
                .parameter(
                        ParameterSpec.parameter("in_proj_bias", Shape.of(6 * features), new Initializer.Uniform(0.7)))
                .part("one", "GatedAttention", arguments, CompositionGraph.input(0))
                .use("in_proj_weight", "in_proj_weight", upper)
                .use("in_proj_bias", "in_proj_bias", upper)
                .part("two", "GatedAttention", arguments, "one")
                .use("in_proj_weight", "in_proj_weight", lower)
                .use("in_proj_bias", "in_proj_bias", lower)
                .build();
    }
}
