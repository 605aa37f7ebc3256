// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.kernel.Graph;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.GELU;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.norm.LayerNorm;
import io.backpack4j.modules.sequence.attention.ScaledDotProductAttention;
import io.backpack4j.modules.sequence.attention.TransformerLayer;
import java.util.List;

/** Transformer layers, node by node, with a weight of its own for queries, keys and values. */
record WrittenTransformer(Graph.Builder graph, TransformerLayer layer) {

    /** Writes an encoder layer, or a decoder layer whose memory is its input. */
    Graph.Builder write(String prefix, String x, boolean decoder) {
        String y = x;
        int number = 1;
        for (String attention : decoder ? List.of("self_attn", "multihead_attn") : List.of("self_attn")) {
            boolean self = attention.equals("self_attn");
            String in = before(prefix, number, y);
            attend(prefix + attention + ".", in, self ? in : x, self && layer.causal());
            y = after(prefix, number++, y, prefix + attention + ".out_proj");
        }
        String in = before(prefix, number, y);
        graph.add(prefix + "linear1", new Linear(layer.dModel(), layer.dimFeedforward()), in);
        boolean relu = layer.activation() == TransformerLayer.Activation.RELU;
        graph.add(prefix + "activation", relu ? new ReLU() : new GELU());
        graph.add(prefix + "dropout", new Dropout(layer.dropout()));
        graph.add(prefix + "linear2", new Linear(layer.dimFeedforward(), layer.dModel()));
        after(prefix, number, y, prefix + "linear2");
        return graph;
    }

    private void attend(String prefix, String queries, String memory, boolean causal) {
        Linear square = new Linear(layer.dModel(), layer.dModel());
        graph.add(prefix + "q", square, queries);
        graph.add(prefix + "k", square, memory);
        graph.add(prefix + "v", square, memory);
        var core = new ScaledDotProductAttention(layer.nhead(), causal, layer.dropout(), null, layer.mode());
        graph.add(prefix + "attention", core, prefix + "q", prefix + "k", prefix + "v");
        graph.add(prefix + "out_proj", square);
    }

    private String before(String prefix, int number, String x) {
        return layer.normFirst() ? norm(prefix, number, x) : x;
    }

    private String after(String prefix, int number, String x, String result) {
        graph.add(prefix + "dropout" + number, new Dropout(layer.dropout()), result);
        graph.add(prefix + "sum" + number, new Sum(), x, prefix + "dropout" + number);
        return layer.normFirst() ? prefix + "sum" + number : norm(prefix, number, prefix + "sum" + number);
    }

    private String norm(String prefix, int number, String x) {
        graph.add(prefix + "norm" + number, LayerNorm.of(layer.dModel()), x);
        return prefix + "norm" + number;
    }
}
