package org.acme.backpack;

import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;

/**
 * y = (V x) ⊙ σ(G x) along the last axis, with V and G one below the other in one weight.
 *
 * @param features the size of the last axis
 */
public record Gated(long features) implements Composition {

    public Gated {
        ModuleChecks.positive(type(), "features", features);
    }

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        ModuleChecks.single(this, inputs);
        Map<String, Object> square = Map.of("in_features", features, "out_features", features, "bias", false);
        Shape both = Shape.of(2 * features, features);
        return CompositionGraph.builder()
                .parameter(ParameterSpec.parameter("weight", both, Initializer.fanIn(features)))
                .part("value", "Linear", square, CompositionGraph.input(0))
                .use("weight", "weight", new RowBlock(0, features))
                .part("gate", "Linear", square, CompositionGraph.input(0))
                .use("weight", "weight", new RowBlock(features, 2 * features))
                .part("open", "Sigmoid", Map.of(), "gate")
                .part("product", "Mul", Map.of(), "value", "open")
                .build();
    }
}
