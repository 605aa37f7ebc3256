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
 * One block of a weight along each axis of {@code [size, size]}: positions stay apart at the first, and are mixed by
 * the second.
 */
record CrossedRows(long size) implements Composition {

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        Map<String, Object> square = Map.of("in_features", size, "out_features", size, "bias", false);
        Map<String, Object> turn = Map.of("dims", List.of(0, 2, 1));
        return CompositionGraph.builder()
                .parameter(ParameterSpec.parameter("weight", Shape.of(2 * size, size), new Initializer.Uniform(1)))
                .part("along", "Linear", square, CompositionGraph.input(0))
                .use("weight", "weight", new RowBlock(0, size))
                .part("turned", "Permute", turn, CompositionGraph.input(0))
                .part("across", "Linear", square, "turned")
                .use("weight", "weight", new RowBlock(size, 2 * size))
                .part("back", "Permute", turn, "across")
                .part("both", "Sum", Map.of(), "along", "back")
                .build();
    }
}
