// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * With cotangents g, c = m ⊙ (g vᵀ) and h = p ⊙ (c − ⟨p c⟩), what comes back is scale h k to the queries, scale hᵀ q to
 * the keys and (m ⊙ p)ᵀ g to the values. All three are made together when the first is asked for.
 */
final class AttentionPullback implements Pullback {

    private final AttentionEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final Tensor cotangents;
    private Tensor @Nullable [] inputs;

    AttentionPullback(AttentionEvaluation evaluation, EvaluationContext context, Tensor cotangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.cotangents = cotangents;
    }

    @Override
    public Tensor input(int index) {
        if (inputs == null) {
            inputs = pulled();
        }
        return inputs[index];
    }

    private Tensor[] pulled() {
        HeadSizes sizes = evaluation.sizes();
        AttentionWeights weights = evaluation.weights();
        long count = cotangents.shape().size(0);
        TensorScope owner = context.scope();
        try (TensorScope scope = backend.openScope()) {
            // what is not joined is handed out as it is
            TensorScope ofResults = sizes.heads() == 1 ? owner : scope;
            Tensor gradient = sizes.split(backend, scope, cotangents);
            Tensor queries = zeros(ofResults, evaluation.queries(), count);
            Tensor keys = zeros(ofResults, evaluation.keys(), count);
            Tensor values = zeros(ofResults, evaluation.values(), count);
            for (ScoreTile tile : weights.tiles()) {
                try (TensorScope ofTile = backend.openScope()) {
                    TileArithmetic ops = TileArithmetic.of(backend, ofTile, weights, tile);
                    Tensor dropped = ops.dropped(ops.p());
                    for (long v = 0; v < count; v++) {
                        try (TensorScope step = backend.openScope()) {
                            TileArithmetic inner = ops.within(step);
                            Tensor g = AttentionEvaluation.column(step, gradient, v);
                            Tensor h = inner.scores(g, evaluation.values(), 1);
                            inner.drop(h);
                            inner.centre(h);
                            backend.elementwise().combine(MULTIPLY, h, ops.p(), h);
                            inner.toQueries(
                                    h,
                                    evaluation.keys(),
                                    weights.scale(),
                                    AttentionEvaluation.column(step, queries, v));
                            inner.addToKeys(
                                    h,
                                    evaluation.queries(),
                                    weights.scale(),
                                    AttentionEvaluation.column(step, keys, v));
                            inner.addToKeys(dropped, g, 1, AttentionEvaluation.column(step, values, v));
                        }
                    }
                }
            }
            return new Tensor[] {
                sizes.join(backend, owner, queries),
                sizes.join(backend, owner, keys),
                sizes.join(backend, owner, values)
            };
        }
    }

    private Tensor zeros(TensorScope scope, Tensor like, long count) {
        Shape shape = like.shape().prepend(count);
        Tensor zeros = scope.allocate(shape, like.dtype());
        backend.elementwise().fill(zeros, 0);
        return zeros;
    }
}
