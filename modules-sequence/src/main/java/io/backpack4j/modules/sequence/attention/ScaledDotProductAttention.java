// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * softmax(scale q kᵀ) v, head by head: queries {@code [T, H·d]}, keys {@code [S, H·d]} and values {@code [S, H·e]} of a
 * sample become {@code [T, H·e]}. A fourth input of integers {@code [S]} is the key padding mask: keys where it is not
 * 0 are not seen. A query that sees no key has the output NaN, as in PyTorch.
 *
 * <p>Never more than a few rectangles of scores are in memory, in any direction, unless all scores take less than the
 * inputs do.
 *
 * @param numHeads the number H of heads, whose features are neighbours
 * @param causal whether query t sees keys s ≤ t only; as many keys as queries then
 * @param dropout the probability with which a weight is dropped, see {@link WeightDropout}
 * @param scale the factor of the scores; 1/√d if null
 * @param mode whether anything is dropped at all: not in EVAL
 */
public record ScaledDotProductAttention(
        long numHeads,
        boolean causal,
        double dropout,
        @Nullable Double scale,
        Mode mode) implements Module {

    private static final int MASK = 3;

    public ScaledDotProductAttention {
        ModuleChecks.positive(type(), "num_heads", numHeads);
        AttentionChecks.probability(type(), dropout);
        if (scale != null) {
            ModuleChecks.finite(type(), "scale", scale);
        }
    }

    /** Without dropout, with PyTorch's scale. */
    public ScaledDotProductAttention(long numHeads, boolean causal) {
        this(numHeads, causal, 0, null, Mode.TRAIN);
    }

    @Override
    public ScaledDotProductAttention inMode(Mode other) {
        return new ScaledDotProductAttention(numHeads, causal, dropout, scale, other);
    }

    @Override
    public boolean takesIntegers(int input) {
        return input == MASK;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        if (inputs.size() < MASK || inputs.size() > MASK + 1) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes queries, keys, values and perhaps a key padding mask, but was given %d input(s)."
                            .formatted(type(), inputs.size()));
        }
        Shape queries = inputs.get(0);
        Shape keys = inputs.get(1);
        Shape values = inputs.get(2);
        boolean fit = queries.rank() == 2
                && keys.rank() == 2
                && values.rank() == 2
                && queries.size(1) == keys.size(1)
                && keys.size(0) == values.size(0)
                && inputs.stream().skip(MASK).allMatch(mask -> mask.equals(Shape.of(keys.size(0))));
        if (!fit) {
            throw ModuleChecks.mismatch(
                    this,
                    "takes queries [T, E], keys [S, E], values [S, F] and perhaps a mask [S] of every sample, but they have shapes %s."
                            .formatted(inputs));
        }
        if (queries.size(1) % numHeads != 0 || values.size(1) % numHeads != 0 || keys.elements() == 0) {
            throw ModuleChecks.mismatch(
                    this,
                    "has %d heads and needs features that they can share, and at least one key, but samples have queries %s, keys %s and values %s."
                            .formatted(numHeads, queries, keys, values));
        }
        AttentionChecks.causal(this, causal, queries.size(0), keys.size(0));
        checkDraws(queries.size(0), keys.size(0));
        return ModuleDeclaration.output(queries.with(1, values.size(1)));
    }

    private boolean drops() {
        return mode == Mode.TRAIN && dropout > 0;
    }

    private void checkDraws(long queries, long keys) {
        if (drops() && (double) numHeads * queries * keys >= WeightDropout.POSITIONS) {
            throw ModuleChecks.mismatch(
                    this,
                    "draws %d · %d · %d times per sample for its dropout, but at most %d positions have numbers of their own. Set the dropout to 0."
                            .formatted(numHeads, queries, keys, WeightDropout.POSITIONS));
        }
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape ofQueries = inputs.get(0).shape();
        HeadSizes sizes = new HeadSizes(
                ofQueries.size(0),
                numHeads,
                ofQueries.size(1),
                inputs.get(1).shape().size(1));
        List<Tensor> split = new ArrayList<>();
        for (Tensor input : inputs.subList(0, MASK)) {
            Tensor column = context.scope().view(input, input.shape().prepend(1));
            Tensor heads = sizes.split(context.backend(), context.scope(), column);
            split.add(context.scope().view(heads, heads.shape().dropFirst(1)));
        }
        Tensor values = split.get(2);
        long features = split.get(0).shape().size(2);
        AttentionWeights weights = new AttentionWeights(
                context,
                sizes,
                scale == null ? 1 / Math.sqrt(features) : scale,
                split.get(0),
                split.get(1),
                inputs.size() > MASK ? Optional.of(inputs.get(MASK)) : Optional.empty(),
                causal,
                drops() ? Optional.of(new WeightDropout(dropout, sizes, context, values.dtype())) : Optional.empty());
        Shape result = ofQueries.with(2, inputs.get(2).shape().size(2));
        return new AttentionEvaluation(
                AttentionEvaluation.output(context, sizes, result, values, weights),
                sizes,
                split.get(0),
                split.get(1),
                values,
                weights,
                inputs.stream().map(input -> input.shape().dropFirst(1)).toList());
    }
}
