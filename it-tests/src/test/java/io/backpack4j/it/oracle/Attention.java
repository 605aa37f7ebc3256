// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Attention and transformer layers by PyTorch's definitions, query by query. */
final class Attention {

    private static final Set<String> TYPES = Set.of(
            "ScaledDotProductAttention", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer");

    private final Map<String, Object> arguments;
    private final List<Values> inputs;
    private final Function<String, Values> parameters;
    private final Consumer<WeightUse> uses;
    private double margin = Double.POSITIVE_INFINITY;

    Attention(
            Map<String, Object> arguments,
            List<Values> inputs,
            Function<String, Values> parameters,
            Consumer<WeightUse> uses) {
        this.arguments = arguments;
        this.inputs = inputs;
        this.parameters = parameters;
        this.uses = uses;
        boolean eval = "eval".equals(arguments.get("mode"));
        boolean layer = arguments.containsKey("d_model");
        if (!eval && number("dropout", layer ? 0.1 : 0) != 0) {
            throw new IllegalArgumentException("The oracle draws nothing");
        }
    }

    static boolean knows(String type) {
        return TYPES.contains(type);
    }

    double margin() {
        return margin;
    }

    Values apply(String type) {
        boolean causal = Boolean.TRUE.equals(arguments.get("causal"));
        return switch (type) {
            case "ScaledDotProductAttention" -> {
                int heads = (int) number("num_heads", 1);
                double scale =
                        number("scale", 1 / Math.sqrt((double) inputs.get(0).shape()[1] / heads));
                yield core(inputs.get(0), inputs.get(1), inputs.get(2), input(3), heads, scale, causal);
            }
            case "MultiheadAttention" ->
                multihead(
                        "",
                        inputs.get(0),
                        inputs.get(1),
                        inputs.get(2),
                        input(3),
                        (int) number("num_heads", 1),
                        causal);
            case "TransformerEncoderLayer" -> encoder(causal);
            default -> decoder(causal);
        };
    }

    private @Nullable Values input(int index) {
        return index < inputs.size() ? inputs.get(index) : null;
    }

    private static Values core(
            Values q, Values k, Values v, @Nullable Values mask, int heads, double scale, boolean causal) {
        int features = q.shape()[1] / heads;
        int ofValues = v.shape()[1] / heads;
        List<List<Value>> weights = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            int first = head * features;
            for (int t = 0; t < q.shape()[0]; t++) {
                int query = t;
                List<Value> exponentials = IntStream.range(0, k.shape()[0])
                        .mapToObj(s -> {
                            boolean hidden = (causal && s > query)
                                    || (mask != null && mask.at(s).number() != 0);
                            return hidden
                                    ? Value.constant(0)
                                    : Value.sum(IntStream.range(first, first + features)
                                                    .mapToObj(
                                                            i -> q.at(query, i).times(k.at(s, i)))
                                                    .toList())
                                            .times(scale)
                                            .exp();
                        })
                        .toList();
                Value sum = Value.sum(exponentials);
                weights.add(exponentials.stream().map(it -> it.over(sum)).toList());
            }
        }
        int queries = q.shape()[0];
        return Values.fill(new int[] {queries, v.shape()[1]}, index -> {
            List<Value> row = weights.get(index[1] / ofValues * queries + index[0]);
            return Value.sum(IntStream.range(0, row.size())
                    .mapToObj(s -> row.get(s).times(v.at(s, index[1])))
                    .toList());
        });
    }

    private Values multihead(
            String prefix, Values query, Values key, Values value, @Nullable Values mask, int heads, boolean causal) {
        int size = query.shape()[1];
        boolean joined = key.shape()[1] == size && value.shape()[1] == size;
        List<Values> sources = List.of(query, key, value);
        List<Values> projected = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            String name = joined ? "in_proj_weight" : List.of("q", "k", "v").get(i) + "_proj_weight";
            int bias = i * size;
            projected.add(
                    linear(sources.get(i), prefix + name, joined ? bias : 0, prefix + "in_proj_bias", bias, size));
        }
        double scale = 1 / Math.sqrt((double) size / heads);
        Values seen = core(projected.get(0), projected.get(1), projected.get(2), mask, heads, scale, causal);
        return linear(seen, prefix + "out_proj.weight", 0, prefix + "out_proj.bias", 0, size);
    }

    /** x Wᵀ + b with rows of a weight and of a bias. */
    private Values linear(Values x, String weight, int firstRow, String bias, int firstBias, int size) {
        Values matrix = parameters.apply(weight);
        Values y = Values.fill(new int[] {x.shape()[0], size}, index -> {
            Value sum = Value.sum(IntStream.range(0, x.shape()[1])
                    .mapToObj(i -> x.at(index[0], i).times(matrix.at(firstRow + index[1], i)))
                    .toList());
            return hasBias() ? sum.plus(parameters.apply(bias).at(firstBias + index[1])) : sum;
        });
        int columns = x.shape()[1];
        for (int position = 0; position < x.shape()[0]; position++) {
            uses.accept(new WeightUse(
                    weight,
                    firstRow,
                    x.elements().subList(position * columns, (position + 1) * columns),
                    y.elements().subList(position * size, (position + 1) * size)));
        }
        return y;
    }

    private boolean hasBias() {
        return !Boolean.FALSE.equals(arguments.get("bias"));
    }

    private Values encoder(boolean causal) {
        Values x = inputs.get(0);
        boolean first = Boolean.TRUE.equals(arguments.get("norm_first"));
        x = block(x, "norm1", first, y -> self(y, input(1), causal));
        return block(x, "norm2", first, this::feedForward);
    }

    private Values decoder(boolean causal) {
        Values memory = inputs.get(1);
        boolean first = Boolean.TRUE.equals(arguments.get("norm_first"));
        Values x = block(inputs.get(0), "norm1", first, y -> self(y, input(2), causal));
        x = block(
                x,
                "norm2",
                first,
                y -> multihead("multihead_attn.", y, memory, memory, input(3), (int) number("nhead", 1), false));
        return block(x, "norm3", first, this::feedForward);
    }

    private Values self(Values x, @Nullable Values mask, boolean causal) {
        return multihead("self_attn.", x, x, x, mask, (int) number("nhead", 1), causal);
    }

    private Values block(Values x, String norm, boolean first, Function<Values, Values> inner) {
        Values result = x.combine(inner.apply(first ? norm(x, norm) : x), Value::plus);
        return first ? result : norm(result, norm);
    }

    private Values norm(Values x, String name) {
        Map<String, Object> ofNorm =
                Map.of("normalized_shape", x.shape()[1], "eps", number("layer_norm_eps", 1e-5), "bias", hasBias());
        return new Norms(ofNorm, x, parameter -> parameters.apply(name + "." + parameter)).apply("LayerNorm");
    }

    private Values feedForward(Values x) {
        int hidden = parameters.apply("linear1.weight").shape()[0];
        Values inner = linear(x, "linear1.weight", 0, "linear1.bias", 0, hidden);
        boolean gelu = "gelu".equals(arguments.get("activation"));
        if (!gelu) {
            inner.elements().forEach(value -> margin = Math.min(margin, Math.abs(value.number())));
        }
        Values active = inner.map(value -> gelu ? value.times(value.normalDistribution()) : value.positivePart());
        return linear(active, "linear2.weight", 0, "linear2.bias", 0, x.shape()[1]);
    }

    private double number(String name, double otherwise) {
        return arguments.get(name) instanceof Number number ? number.doubleValue() : otherwise;
    }
}
