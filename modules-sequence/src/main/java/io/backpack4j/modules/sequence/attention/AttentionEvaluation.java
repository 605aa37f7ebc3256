// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.module.UnitCurvature;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * An attention o = (m ⊙ p) v with p = softmax(z), z = scale q kᵀ and the factors m of dropout. Along tangents ż = scale
 * (q̇ kᵀ + q k̇ᵀ), ṗ = p ⊙ (ż − ⟨p ż⟩) and ȯ = (m ⊙ ṗ) v + (m ⊙ p) v̇, where ⟨·⟩ sums over the keys of a query.
 *
 * @param output {@code [N, T, H·e]}
 * @param sizes numbers of samples, heads, queries and keys
 * @param queries q, {@code [H·N, T, d]}
 * @param keys k, {@code [H·N, S, d]}
 * @param values v, {@code [H·N, S, e]}
 * @param weights p and m
 * @param inputs the shapes of one sample's inputs
 */
record AttentionEvaluation(
        Tensor output,
        HeadSizes sizes,
        Tensor queries,
        Tensor keys,
        Tensor values,
        AttentionWeights weights,
        List<Shape> inputs)
        implements Evaluation {

    /** o, {@code [N, T, H·e]} in the context's scope. */
    static Tensor output(
            EvaluationContext context, HeadSizes sizes, Shape result, Tensor values, AttentionWeights weights) {
        Backend backend = context.backend();
        TensorScope owner = context.scope();
        Tensor output;
        try (TensorScope scope = backend.openScope()) {
            long features = values.shape().size(2);
            Tensor split = (sizes.heads() == 1 ? owner : scope)
                    .allocate(Shape.of(sizes.matrices(), sizes.queries(), features), values.dtype());
            for (ScoreTile tile : weights.tiles()) {
                try (TensorScope step = backend.openScope()) {
                    TileArithmetic ops = TileArithmetic.of(backend, step, weights, tile);
                    ops.toQueries(ops.dropped(ops.p()), values, 1, split);
                }
            }
            output = sizes.join(backend, owner, scope.view(split, split.shape().prepend(1)));
        }
        return owner.view(output, result);
    }

    /** Column v of {@code [V, H·N, *]}. */
    static Tensor column(TensorScope scope, Tensor columns, long v) {
        return scope.view(scope.rows(columns, v, v + 1), columns.shape().dropFirst(1));
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new AttentionPullback(this, context, cotangents);
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Backend backend = context.backend();
        try (TensorScope scope = backend.openScope()) {
            SplitTangents moved = SplitTangents.of(this, backend, scope, tangents);
            Tensor result = (sizes.heads() == 1 ? context.scope() : scope)
                    .allocate(
                            Shape.of(
                                    tangents.columns(),
                                    sizes.matrices(),
                                    sizes.queries(),
                                    values.shape().size(2)),
                            output.dtype());
            for (ScoreTile tile : weights.tiles()) {
                try (TensorScope ofTile = backend.openScope()) {
                    TileArithmetic ops = TileArithmetic.of(backend, ofTile, weights, tile);
                    Tensor dropped = ops.dropped(ops.p());
                    for (long v = 0; v < tangents.columns(); v++) {
                        try (TensorScope step = backend.openScope()) {
                            push(ops.within(step), moved.column(step, v), dropped, column(step, result, v));
                        }
                    }
                }
            }
            return sizes.join(backend, context.scope(), result);
        }
    }

    private void push(TileArithmetic ops, SplitTangents moved, Tensor dropped, Tensor result) {
        Optional<Tensor> scores = moved.weights(ops);
        if (scores.isPresent()) {
            ops.drop(scores.get());
            ops.toQueries(scores.get(), values, 1, result);
        }
        if (moved.values().isPresent()) {
            Tensor tangent = moved.values().get();
            if (scores.isPresent()) {
                ops.addToQueries(dropped, tangent, 1, result);
            } else {
                ops.toQueries(dropped, tangent, 1, result);
            }
        }
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return new AttentionPullbackTangent(this, context, cotangents, tangents);
    }

    /** By two values, and by what belongs to two heads, there is no second derivative. */
    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        List<Curvature.Parts> parts = inputs.stream()
                .map(input -> input.rank() == 2
                        ? new Curvature.Parts(input.size(0), sizes.heads(), input.size(1) / sizes.heads(), 1)
                        : Curvature.Parts.whole(input))
                .toList();
        return Optional.of(UnitCurvature.of(context, this, cotangents, inputs, List.of(0, 1), parts));
    }
}
