// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch's {@code MultiheadAttention} with the batch first: linear maps of queries {@code [T, E]}, keys {@code [S,
 * kdim]} and values {@code [S, vdim]}, a {@link ScaledDotProductAttention} of its heads, and a linear map of the result
 * {@code [T, E]}. A fourth input is the key padding mask, integers {@code [S]}, not 0 where a key is padding.
 *
 * <p>Parameters are PyTorch's: {@code in_proj_weight} {@code [3E, E]} holds the weights of queries, keys and values in
 * blocks of rows, or there are {@code q_proj_weight}, {@code k_proj_weight} and {@code v_proj_weight} if {@code kdim}
 * or {@code vdim} is not E.
 *
 * @param embedDim the number E of features
 * @param numHeads the number of heads, a divisor of it
 * @param dropout the probability with which an attention weight is dropped in training
 * @param bias whether the linear maps have biases
 * @param kdim the number of features of keys, E if null
 * @param vdim the number of features of values, E if null
 * @param causal whether query t sees keys s ≤ t only
 * @param mode whether anything is dropped: not in EVAL
 */
public record MultiheadAttention(
        long embedDim,
        long numHeads,
        double dropout,
        boolean bias,
        @Nullable Long kdim,
        @Nullable Long vdim,
        boolean causal,
        Mode mode)
        implements Composition {

    private static final int MASK = 3;
    private static final List<String> NAMES = List.of("q", "k", "v");
    private static final String IN_BIAS = "in_proj_bias";
    private static final String OUT = "out_proj";

    public MultiheadAttention {
        ModuleChecks.positive(type(), "embed_dim", embedDim);
        ModuleChecks.positive(type(), "num_heads", numHeads);
        if (embedDim % numHeads != 0) {
            throw ModuleChecks.invalid(
                    type(),
                    "embed_dim",
                    embedDim,
                    "a multiple of num_heads = " + numHeads + ", whose features are shared");
        }
        AttentionChecks.probability(type(), dropout);
        if (kdim != null) {
            ModuleChecks.positive(type(), "kdim", kdim);
        }
        if (vdim != null) {
            ModuleChecks.positive(type(), "vdim", vdim);
        }
    }

    /** With biases, without dropout, every query seeing all keys. */
    public MultiheadAttention(long embedDim, long numHeads) {
        this(embedDim, numHeads, 0, true, null, null, false, Mode.TRAIN);
    }

    @Override
    public MultiheadAttention inMode(Mode other) {
        return new MultiheadAttention(embedDim, numHeads, dropout, bias, kdim, vdim, causal, other);
    }

    @Override
    public boolean takesIntegers(int input) {
        return input == MASK;
    }

    /** The features of queries, keys and values. */
    private List<Long> features() {
        return List.of(embedDim, kdim == null ? embedDim : kdim, vdim == null ? embedDim : vdim);
    }

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        check(inputs);
        boolean joined = features().stream().allMatch(size -> size == embedDim);
        CompositionGraph.Builder graph = CompositionGraph.builder();
        declare(graph, joined);
        for (int i = 0; i < MASK; i++) {
            RowBlock rows = new RowBlock(i * embedDim, (i + 1) * embedDim);
            graph.part(NAMES.get(i), "Linear", linear(features().get(i)), CompositionGraph.input(i));
            if (joined) {
                graph.use("weight", "in_proj_weight", rows);
            } else {
                graph.use("weight", NAMES.get(i) + "_proj_weight");
            }
            if (bias) {
                graph.use("bias", IN_BIAS, rows);
            }
        }
        List<String> operands = new ArrayList<>(NAMES);
        if (inputs.size() > MASK) {
            operands.add(CompositionGraph.input(MASK));
        }
        Map<String, Object> core = Map.of(
                "num_heads",
                numHeads,
                "causal",
                causal,
                "dropout",
                dropout,
                "mode",
                mode.name().toLowerCase(Locale.ROOT));
        graph.part("attention", "ScaledDotProductAttention", core, operands.toArray(String[]::new));
        graph.part(OUT, "Linear", linear(embedDim), "attention").use("weight", OUT + ".weight");
        if (bias) {
            graph.use("bias", OUT + ".bias");
        }
        return graph.build();
    }

    /** PyTorch's parameters in its order, with its first values. */
    private void declare(CompositionGraph.Builder graph, boolean joined) {
        if (joined) {
            graph.parameter(ParameterSpec.parameter(
                    "in_proj_weight", Shape.of(3 * embedDim, embedDim), uniform(3 * embedDim, embedDim)));
        } else {
            for (int i = 0; i < MASK; i++) {
                long size = features().get(i);
                graph.parameter(ParameterSpec.parameter(
                        NAMES.get(i) + "_proj_weight", Shape.of(embedDim, size), uniform(embedDim, size)));
            }
        }
        if (bias) {
            graph.parameter(ParameterSpec.parameter(IN_BIAS, Shape.of(3 * embedDim), new Initializer.Constant(0)));
        }
        Initializer ofLinear = new Initializer.Uniform(1 / Math.sqrt(embedDim));
        graph.parameter(ParameterSpec.parameter(OUT + ".weight", Shape.of(embedDim, embedDim), ofLinear));
        if (bias) {
            graph.parameter(ParameterSpec.parameter(OUT + ".bias", Shape.of(embedDim), new Initializer.Constant(0)));
        }
    }

    /** Glorot and Bengio's. */
    private static Initializer uniform(long out, long in) {
        return new Initializer.Uniform(Math.sqrt(6.0 / (out + in)));
    }

    private Map<String, Object> linear(long in) {
        return Map.of("in_features", in, "out_features", embedDim, "bias", bias);
    }

    private void check(List<Shape> inputs) {
        if (inputs.size() < MASK || inputs.size() > MASK + 1) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes queries, keys, values and perhaps a key padding mask, but was given %d input(s). For self-attention name the same input three times."
                            .formatted(type(), inputs.size()));
        }
        for (int i = 0; i < MASK; i++) {
            Shape shape = inputs.get(i);
            if (shape.rank() != 2 || shape.size(1) != features().get(i)) {
                throw ModuleChecks.mismatch(
                        this,
                        "takes samples [T, %d], [S, %d] and [S, %d] as queries, keys and values, but they have shapes %s."
                                .formatted(
                                        features().get(0),
                                        features().get(1),
                                        features().get(2),
                                        inputs));
            }
        }
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        return AttentionArguments.of(this, type());
    }
}
