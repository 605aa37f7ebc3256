// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Mul;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.sequence.attention.TransformerDecoderLayer;
import io.backpack4j.modules.sequence.attention.TransformerEncoderLayer;
import io.backpack4j.modules.sequence.attention.TransformerLayer;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** A network with a composition, and the same network written out. */
enum ComposedPair {
    /** Vectors, one input. */
    PLAIN,
    /** Vectors, and a mask as the second input. */
    MASKED,
    /** Positions that share all weights, and a loss at every position. */
    POSITIONS,
    /** A composition in a composition. */
    NESTED,
    /** Two compositions that use three rows each of what is theirs together. */
    SHARED,
    /** With one of the parameters in three blocks frozen. */
    FROZEN,
    /** Two compositions whose weight in three blocks is one. */
    TIED,
    /** A transformer's encoder layer. */
    ENCODER,
    /** A transformer's decoder layer, whose memory is what it decodes. */
    DECODER;

    static final long FEATURES = 4;
    static final double DROPOUT = 0.4;

    /** What is wanted of both networks: those parameters that no two nodes use. */
    String[] untied(boolean composed) {
        if (isTransformer()) {
            return new String[] {"*"};
        }
        List<String> names = new ArrayList<>(List.of("first*", "head*"));
        if (this == NESTED) {
            names.add("enc.linear1*");
        }
        List<String> kinds = this == TIED ? List.of() : this == FROZEN ? List.of("bias") : List.of("weight", "bias");
        for (String kind : kinds) {
            String name = prefix() + "in_proj_" + kind;
            names.addAll(composed ? List.of(name) : blocks(name));
        }
        return names.toArray(String[]::new);
    }

    /** What stands before names within the attention. */
    private String prefix() {
        return this == NESTED ? "enc.self_attn." : "enc.";
    }

    private boolean isTransformer() {
        return this == ENCODER || this == DECODER;
    }

    /** Whether samples are sequences, with a loss at every position. */
    boolean hasPositions() {
        return this == POSITIONS || isTransformer();
    }

    boolean hasMask() {
        return this == MASKED || this == NESTED;
    }

    private Graph.Builder start() {
        Graph.Builder graph = Graph.builder();
        if (hasMask()) {
            graph.inputs("input", "mask");
        }
        return graph.add("first", new Linear(3, FEATURES), "input");
    }

    private Graph end(Graph.Builder graph) {
        graph.add("head", new Linear(FEATURES, 3));
        return hasPositions() ? graph.add("classes", new Permute(0, 2, 1)).build() : graph.build();
    }

    private String[] inputs(String first) {
        if (this == DECODER) {
            return new String[] {first, first};
        }
        return hasMask() ? new String[] {first, "mask"} : new String[] {first};
    }

    Graph composed() {
        Module attention = new GatedAttention(FEATURES, DROPOUT, GatedAttention.Mode.TRAIN);
        Module module = switch (this) {
            case NESTED -> new GatedBlock(FEATURES);
            case SHARED -> new GatedPair(FEATURES, DROPOUT);
            case ENCODER -> new TransformerEncoderLayer(layer());
            case DECODER -> new TransformerDecoderLayer(layer());
            default -> attention;
        };
        Frozen frozen = this == FROZEN ? new Frozen(false, Set.of("in_proj_weight")) : Frozen.NONE;
        Graph.Builder graph = start().add(new Graph.Node("enc", module, List.of(inputs("first")), frozen, Map.of()));
        if (this == TIED) {
            Map<String, String> ties = Map.of("in_proj_weight", "enc.in_proj_weight");
            graph.add(new Graph.Node("more", attention, List.of("enc"), Frozen.NONE, ties));
        }
        return end(graph);
    }

    Graph written() {
        Graph.Builder graph = start();
        if (isTransformer()) {
            return end(new WrittenTransformer(graph, layer()).write("enc.", "first", this == DECODER));
        }
        if (this == SHARED) {
            write(graph, "enc.one.", "first", Map.of());
            write(graph, "enc.two.", "enc.one.residual", Map.of());
        } else {
            write(graph, prefix(), "first", Map.of());
        }
        if (this == NESTED) {
            graph.add("enc.linear1", new Linear(FEATURES, FEATURES));
            graph.add("enc.end", new Tanh());
        }
        if (this == TIED) {
            write(graph, "more.", "enc.residual", Map.of("q", "enc.q", "k", "enc.k", "v", "enc.v"));
        }
        return end(graph);
    }

    /** An encoder has its norms behind the sums, a decoder in front of its blocks. */
    private TransformerLayer layer() {
        boolean first = this == DECODER;
        var activation = first ? TransformerLayer.Activation.GELU : TransformerLayer.Activation.RELU;
        return new TransformerLayer(FEATURES, 2, 3, DROPOUT, activation, 1e-5, first, true, first, Mode.TRAIN);
    }

    private void write(Graph.Builder graph, String prefix, String x, Map<String, String> tied) {
        Module square = new Linear(FEATURES, FEATURES);
        for (String name : List.of("q", "k", "v")) {
            Frozen frozen = this == FROZEN ? new Frozen(false, Set.of("weight")) : Frozen.NONE;
            Map<String, String> ties = tied.isEmpty() ? Map.of() : Map.of("weight", tied.get(name) + ".weight");
            graph.add(new Graph.Node(prefix + name, square, List.of(x), frozen, ties));
        }
        graph.add(prefix + "product", new Mul(), prefix + "q", prefix + "k");
        graph.add(prefix + "score", new Tanh());
        graph.add(prefix + "value", new Mul(), prefix + "score", prefix + "v");
        if (hasMask()) {
            graph.add(prefix + "masked", new Mul(), prefix + "value", "mask");
        }
        graph.add(prefix + "drop", new Dropout(DROPOUT));
        graph.add(prefix + "out_proj", square);
        graph.add(prefix + "gate", new Sigmoid());
        Map<String, String> ties = Map.of("weight", prefix + "out_proj.weight");
        graph.add(new Graph.Node(prefix + "again", square, List.of(prefix + "gate"), Frozen.NONE, ties));
        graph.add(prefix + "residual", new Sum(), prefix + "again", x);
    }

    /** The parameters in the written-out network that a parameter of the composed one is, one below the other. */
    List<String> blocks(String parameter) {
        int at = parameter.indexOf("in_proj_");
        if (at < 0) {
            return List.of(parameter);
        }
        if (this == SHARED) {
            String own = parameter.substring(at + "in_proj_".length());
            return Stream.of("one", "two")
                    .flatMap(half -> Stream.of("q", "k", "v").map(name -> "enc." + half + "." + name + "." + own))
                    .toList();
        }
        String prefix = parameter.substring(0, at);
        String own = parameter.substring(at + "in_proj_".length());
        return List.of(prefix + "q." + own, prefix + "k." + own, prefix + "v." + own);
    }

    /** Rows of every block, by its name in the written-out network. */
    Map<String, double[]> split(String parameter, double[] values) {
        List<String> blocks = blocks(parameter);
        int size = values.length / blocks.size();
        Map<String, double[]> parts = new LinkedHashMap<>();
        for (int i = 0; i < blocks.size(); i++) {
            parts.put(blocks.get(i), Arrays.copyOfRange(values, i * size, (i + 1) * size));
        }
        return parts;
    }
}
