// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import static io.backpack4j.spi.backend.BinaryOperation.ADD;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The change of what {@link AttentionPullback} pulls back. With ċ = m ⊙ (g v̇ᵀ) and ḣ = ṗ ⊙ (c − ⟨p c⟩) + p ⊙ (ċ − ⟨p
 * ċ⟩ − ⟨ṗ c⟩) it is scale (ḣ k + h k̇) at the queries, scale (ḣᵀ q + hᵀ q̇) at the keys and (m ⊙ ṗ)ᵀ g at the values.
 */
final class AttentionPullbackTangent implements PullbackTangent {

    private final AttentionEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final Tensor cotangents;
    private final Tangents tangents;
    private @Nullable List<Optional<Tensor>> inputs;

    AttentionPullbackTangent(
            AttentionEvaluation evaluation, EvaluationContext context, Tensor cotangents, Tangents tangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.cotangents = cotangents;
        this.tangents = tangents;
    }

    /** Where the changes of all columns are added up. */
    private record Results(Tensor queries, Tensor keys, Tensor values) {}

    /** What does not depend on the tangents. */
    private record Fixed(Tensor g, Tensor centred, Tensor h) {}

    @Override
    public Optional<Tensor> input(int index) {
        if (inputs == null) {
            inputs = changes();
        }
        return index < inputs.size() ? inputs.get(index) : Optional.empty();
    }

    private List<Optional<Tensor>> changes() {
        HeadSizes sizes = evaluation.sizes();
        AttentionWeights weights = evaluation.weights();
        TensorScope owner = context.scope();
        try (TensorScope scope = backend.openScope()) {
            TensorScope ofResults = sizes.heads() == 1 ? owner : scope;
            Tensor gradient = AttentionEvaluation.column(scope, sizes.split(backend, scope, cotangents), 0);
            SplitTangents moved = SplitTangents.of(evaluation, backend, scope, tangents);
            Results results = new Results(
                    zeros(ofResults, evaluation.queries()),
                    zeros(ofResults, evaluation.keys()),
                    zeros(ofResults, evaluation.values()));
            for (ScoreTile tile : weights.tiles()) {
                try (TensorScope ofTile = backend.openScope()) {
                    TileArithmetic ops = TileArithmetic.of(backend, ofTile, weights, tile);
                    Tensor centred = ops.scores(gradient, evaluation.values(), 1);
                    ops.drop(centred);
                    ops.centre(centred);
                    Fixed fixed = new Fixed(gradient, centred, ops.product(centred, ops.p()));
                    for (long v = 0; v < tangents.columns(); v++) {
                        try (TensorScope step = backend.openScope()) {
                            Results column = new Results(
                                    AttentionEvaluation.column(step, results.queries(), v),
                                    AttentionEvaluation.column(step, results.keys(), v),
                                    AttentionEvaluation.column(step, results.values(), v));
                            add(ops.within(step), fixed, moved.column(step, v), column);
                        }
                    }
                }
            }
            return List.of(
                    Optional.of(sizes.join(backend, owner, results.queries())),
                    Optional.of(sizes.join(backend, owner, results.keys())),
                    Optional.of(sizes.join(backend, owner, results.values())));
        }
    }

    private Tensor zeros(TensorScope scope, Tensor like) {
        Tensor zeros = scope.allocate(like.shape().prepend(tangents.columns()), like.dtype());
        backend.elementwise().fill(zeros, 0);
        return zeros;
    }

    private void add(TileArithmetic ops, Fixed fixed, SplitTangents moved, Results results) {
        Elementwise elements = backend.elementwise();
        double scale = evaluation.weights().scale();
        // Σ p (c − ⟨p c⟩) is 0, so ⟨ṗ (c − ⟨p c⟩)⟩ is ⟨ṗ c⟩: ṗ sums to 0
        Optional<Tensor> change = moved.values().map(tangent -> {
            Tensor scores = ops.scores(fixed.g(), tangent, 1);
            ops.drop(scores);
            ops.centre(scores);
            return scores;
        });
        Optional<Tensor> weights = moved.weights(ops);
        if (weights.isPresent()) {
            Tensor mean = ops.mean(weights.get(), fixed.centred());
            Tensor others;
            if (change.isPresent()) {
                others = change.get();
                elements.combine(SUBTRACT, others, mean, others);
                elements.combine(MULTIPLY, others, ops.p(), others);
            } else {
                others = ops.product(ops.p(), mean);
                elements.affine(others, -1, 0, others);
            }
            Tensor first = ops.product(weights.get(), fixed.centred());
            elements.combine(ADD, first, others, first);
            change = Optional.of(first);
            ops.drop(weights.get());
            ops.addToKeys(weights.get(), fixed.g(), 1, results.values());
        } else {
            change.ifPresent(scores -> elements.combine(MULTIPLY, scores, ops.p(), scores));
        }
        change.ifPresent(h -> {
            ops.addToQueries(h, evaluation.keys(), scale, results.queries());
            ops.addToKeys(h, evaluation.queries(), scale, results.keys());
        });
        moved.keys().ifPresent(tangent -> ops.addToQueries(fixed.h(), tangent, scale, results.queries()));
        moved.queries().ifPresent(tangent -> ops.addToKeys(fixed.h(), tangent, scale, results.keys()));
    }
}
