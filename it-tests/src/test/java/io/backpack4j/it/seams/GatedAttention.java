// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A composition as a third party might write one. With q, k and v linear in x by three blocks of rows of one weight and
 * bias, and W the weight that two parts share: W σ(W (tanh(q ⊙ k) ⊙ v ⊙ mask) + b) + b' + x. The mask is a second
 * input, and optional.
 *
 * @param features the size of the last axis
 * @param dropout the probability that an element is dropped
 * @param mode whether there is dropout at all
 */
public record GatedAttention(long features, double dropout, Mode mode) implements Composition {

    static final double BOUND = 0.7;

    /** PyTorch's two modes of a module. */
    public enum Mode {
        TRAIN,
        EVAL
    }

    /** Makes one of a model file's arguments. */
    static GatedAttention of(Arguments arguments) {
        String mode = arguments.word("mode", "train", "train", "eval");
        return new GatedAttention(
                arguments.integer("features"),
                arguments.number("dropout", 0),
                Mode.valueOf(mode.toUpperCase(Locale.ROOT)));
    }

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        if (inputs.isEmpty() || inputs.size() > 2 || inputs.get(0).size(-1) != features) {
            throw ModuleChecks.mismatch(
                    this, "takes [*, %d] and perhaps a mask, but samples have shapes %s.".formatted(features, inputs));
        }
        Map<String, Object> square = Map.of("in_features", features, "out_features", features);
        String x = CompositionGraph.input(0);
        Shape all = Shape.of(3 * features, features);
        CompositionGraph.Builder graph = CompositionGraph.builder()
                .parameter(ParameterSpec.parameter("in_proj_weight", all, new Initializer.Uniform(BOUND)))
                .parameter(ParameterSpec.parameter("in_proj_bias", Shape.of(3 * features), new Initializer.Normal(0.3)))
                .parameter(ParameterSpec.parameter("out_proj.bias", Shape.of(features), new Initializer.Constant(0.5)));
        List<String> names = List.of("q", "k", "v");
        for (int i = 0; i < 3; i++) {
            RowBlock rows = new RowBlock(i * features, (i + 1) * features);
            graph.part(names.get(i), "Linear", square, x)
                    .use("weight", "in_proj_weight", rows)
                    .use("bias", "in_proj_bias", rows);
        }
        graph.part("product", "Mul", Map.of(), "q", "k")
                .part("score", "Tanh", Map.of(), "product")
                .part("value", "Mul", Map.of(), "score", "v");
        if (inputs.size() == 2) {
            graph.part("masked", "Mul", Map.of(), "value", CompositionGraph.input(1));
        }
        return graph.part(
                        "drop",
                        "Dropout",
                        Map.of("p", dropout, "mode", mode.name().toLowerCase(Locale.ROOT)),
                        inputs.size() == 2 ? "masked" : "value")
                .part("out_proj", "Linear", square, "drop")
                .use("bias", "out_proj.bias")
                .part("gate", "Sigmoid", Map.of(), "out_proj")
                .part("again", "Linear", square, "gate")
                .use("weight", "out_proj.weight")
                .part("residual", "Sum", Map.of(), "again", x)
                .build();
    }
}
