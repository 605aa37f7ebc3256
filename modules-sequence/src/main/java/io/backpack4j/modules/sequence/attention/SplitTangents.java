// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * Tangents of queries, keys and values, or one column of them.
 *
 * @param evaluation what they are tangents of
 * @param queries q̇, {@code [V, H·N, T, d]} or a column of it; nothing if they stand still
 * @param keys k̇, {@code [V, H·N, S, d]}
 * @param values v̇, {@code [V, H·N, S, e]}
 */
record SplitTangents(
        AttentionEvaluation evaluation, Optional<Tensor> queries, Optional<Tensor> keys, Optional<Tensor> values) {

    static SplitTangents of(AttentionEvaluation evaluation, Backend backend, TensorScope scope, Tangents tangents) {
        HeadSizes sizes = evaluation.sizes();
        return new SplitTangents(
                evaluation,
                tangents.input(0).map(it -> sizes.split(backend, scope, it)),
                tangents.input(1).map(it -> sizes.split(backend, scope, it)),
                tangents.input(2).map(it -> sizes.split(backend, scope, it)));
    }

    SplitTangents column(TensorScope scope, long v) {
        return new SplitTangents(
                evaluation,
                queries.map(it -> AttentionEvaluation.column(scope, it, v)),
                keys.map(it -> AttentionEvaluation.column(scope, it, v)),
                values.map(it -> AttentionEvaluation.column(scope, it, v)));
    }

    /** ṗ of a column at a tile, {@code [matrices, rows, keys]}; nothing if the weights stand still. */
    Optional<Tensor> weights(TileArithmetic ops) {
        double scale = evaluation.weights().scale();
        Optional<Tensor> scores = queries.map(it -> ops.scores(it, evaluation.keys(), scale));
        if (keys.isPresent()) {
            if (scores.isPresent()) {
                ops.addScores(evaluation.queries(), keys.get(), scale, scores.get());
            } else {
                scores = Optional.of(ops.scores(evaluation.queries(), keys.get(), scale));
            }
        }
        scores.ifPresent(change -> {
            ops.centre(change);
            ops.backend().elementwise().combine(MULTIPLY, change, ops.p(), change);
        });
        return scores;
    }
}
