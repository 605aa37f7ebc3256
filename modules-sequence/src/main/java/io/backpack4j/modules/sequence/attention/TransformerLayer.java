// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.modules.sequence.BatchFirst;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What encoder and decoder layers have in common: their arguments, and blocks x + dropout(f(x)) with a norm.
 *
 * @param dModel the number of features
 * @param nhead the number of heads
 * @param dimFeedforward the number of features between the two linear maps of the last block
 * @param dropout the probability with which attention weights and results of blocks are dropped in training
 * @param activation what is between these maps
 * @param layerNormEps what norms add to the variance
 * @param normFirst whether a block has its norm in front of f, not behind the sum
 * @param bias whether linear maps and norms have biases
 * @param causal whether position t sees positions s ≤ t only, of the layer's own input
 * @param mode whether anything is dropped: not in EVAL
 */
public record TransformerLayer(
        long dModel,
        long nhead,
        long dimFeedforward,
        double dropout,
        Activation activation,
        double layerNormEps,
        boolean normFirst,
        boolean bias,
        boolean causal,
        Mode mode) {

    /** What is between the linear maps. */
    public enum Activation {
        RELU("ReLU"),
        GELU("GELU");

        private final String type;

        Activation(String type) {
            this.type = type;
        }
    }

    public TransformerLayer {
        String type = "a transformer layer";
        ModuleChecks.positive(type, "d_model", dModel);
        ModuleChecks.positive(type, "nhead", nhead);
        ModuleChecks.positive(type, "dim_feedforward", dimFeedforward);
        if (dModel % nhead != 0) {
            throw ModuleChecks.invalid(type, "d_model", dModel, "a multiple of nhead = " + nhead);
        }
        AttentionChecks.probability(type, dropout);
        if (!(layerNormEps >= 0) || Double.isInfinite(layerNormEps)) {
            throw ModuleChecks.invalid(type, "layer_norm_eps", layerNormEps, "a finite number that is not negative");
        }
    }

    /** With PyTorch's other defaults, but without dropout. */
    public TransformerLayer(long dModel, long nhead, long dimFeedforward) {
        this(dModel, nhead, dimFeedforward, 0, Activation.RELU, 1e-5, false, true, false, Mode.TRAIN);
    }

    /** The same in a mode. */
    public TransformerLayer inMode(Mode other) {
        return new TransformerLayer(
                dModel, nhead, dimFeedforward, dropout, activation, layerNormEps, normFirst, bias, causal, other);
    }

    /** Whether a sample's input is a sequence of so many features. */
    boolean takes(Shape input) {
        return input.rank() == 2 && input.size(1) == dModel;
    }

    Map<String, @Nullable Object> arguments(String type) {
        return AttentionArguments.of(this, type);
    }

    private String word() {
        return mode.name().toLowerCase(Locale.ROOT);
    }

    /** Writes a layer's blocks, each behind the one before it. Belongs to one thread. */
    final class Blocks {

        private final CompositionGraph.Builder graph = CompositionGraph.builder();
        private String current = CompositionGraph.input(0);
        private int number;

        /** What a block does, given its input; returns the name of the part with the result. */
        private interface Inner {
            String write(String input);
        }

        private Blocks add(Inner inner) {
            number++;
            String before = current;
            String result = inner.write(normFirst ? norm(before) : before);
            String dropped = "dropout" + number;
            graph.part(dropped, "Dropout", Map.of("p", dropout, "mode", word()), result);
            String sum = "sum" + number;
            graph.part(sum, "Sum", Map.of(), before, dropped);
            current = normFirst ? sum : norm(sum);
            return this;
        }

        private String norm(String input) {
            String name = "norm" + number;
            graph.part(name, "LayerNorm", Map.of("normalized_shape", dModel, "eps", layerNormEps, "bias", bias), input);
            return name;
        }

        /** Attention to the input itself. */
        Blocks selfAttention(String name, List<String> mask) {
            return add(input -> attention(name, input, input, causal, mask));
        }

        /** Attention to something else. */
        Blocks attention(String name, String memory, List<String> mask) {
            return add(input -> attention(name, input, memory, false, mask));
        }

        private String attention(String name, String queries, String memory, boolean isCausal, List<String> mask) {
            Map<String, Object> arguments = new LinkedHashMap<>();
            arguments.put("embed_dim", dModel);
            arguments.put("num_heads", nhead);
            arguments.put("dropout", dropout);
            arguments.put("bias", bias);
            arguments.put("causal", isCausal);
            arguments.put("mode", word());
            arguments.put(BatchFirst.NAME, true);
            String[] inputs = mask.isEmpty()
                    ? new String[] {queries, memory, memory}
                    : new String[] {queries, memory, memory, mask.get(0)};
            graph.part(name, "MultiheadAttention", arguments, inputs);
            return name;
        }

        /** Two linear maps. */
        Blocks feedForward() {
            return add(input -> {
                graph.part("linear1", "Linear", linear(dModel, dimFeedforward), input);
                graph.part("activation", activation.type, Map.of(), "linear1");
                graph.part("dropout", "Dropout", Map.of("p", dropout, "mode", word()), "activation");
                graph.part("linear2", "Linear", linear(dimFeedforward, dModel), "dropout");
                return "linear2";
            });
        }

        private Map<String, Object> linear(long in, long out) {
            return Map.of("in_features", in, "out_features", out, "bias", bias);
        }

        CompositionGraph build() {
            return graph.build();
        }
    }
}
