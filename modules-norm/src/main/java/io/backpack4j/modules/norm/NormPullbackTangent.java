// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Lines;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * With h = w ⊙ g, m = ⟨x̂ h⟩ and v = P h, what comes back to the input is r v. Along ẋ it changes by −r² (v ⟨x̂ ẋ⟩ + x̂
 * ⟨v ẋ⟩ + m P ẋ), along ẇ by r P (ẇ ⊙ g); what comes to the weight, Σ g ⊙ x̂, by Σ g ⊙ r P ẋ.
 */
final class NormPullbackTangent implements PullbackTangent {

    private final NormEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final Tensor cotangents;
    private final Tangents tangents;

    NormPullbackTangent(NormEvaluation evaluation, EvaluationContext context, Tensor cotangents, Tangents tangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.cotangents = cotangents;
        this.tangents = tangents;
    }

    @Override
    public Optional<Tensor> input(int index) {
        Optional<Tensor> weight = tangents.parameter(NormEvaluation.WEIGHT);
        if (tangents.input(0).isEmpty() && weight.isEmpty()) {
            return Optional.empty();
        }
        Elementwise ops = backend.elementwise();
        Tensor result =
                context.scope().allocate(evaluation.output().shape().prepend(tangents.columns()), cotangents.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = evaluation.byGroup(scope, result);
            if (tangents.input(0).isPresent()) {
                alongInput(scope, tangents.input(0).get(), target);
            } else {
                ops.fill(target, 0);
            }
            if (weight.isPresent()) {
                Tensor moved = scope.allocate(result.shape(), result.dtype());
                evaluation.affine().combine(MULTIPLY, backend, cotangents, weight.get(), moved);
                Tensor projected = evaluation.projected(backend, scope, evaluation.byGroup(scope, moved));
                ops.combine(MULTIPLY, projected, evaluation.inverse(), projected);
                ops.addScaled(1, projected, target);
            }
        }
        return Optional.of(result);
    }

    private void alongInput(TensorScope scope, Tensor tangent, Tensor target) {
        Elementwise ops = backend.elementwise();
        Lines lines = new Lines(backend, scope);
        Tensor normalised = evaluation.normalised();
        Tensor moved = evaluation.byGroup(scope, tangent);
        Tensor weighted = evaluation.weighted(backend, scope, cotangents);
        Tensor projected = evaluation.projected(backend, scope, weighted);
        Tensor term = scope.allocate(target.shape(), target.dtype());
        ops.combine(MULTIPLY, lines.meanProduct(moved, normalised), projected, target);
        ops.combine(MULTIPLY, lines.meanProduct(moved, projected), normalised, term);
        ops.addScaled(1, term, target);
        Tensor mean = lines.meanProduct(weighted, normalised);
        ops.combine(MULTIPLY, evaluation.projected(backend, scope, moved), mean, term);
        ops.addScaled(1, term, target);
        ops.combine(MULTIPLY, target, evaluation.inverse(), target);
        ops.combine(MULTIPLY, target, evaluation.inverse(), target);
        ops.affine(target, -1, 0, target);
    }

    @Override
    public void addToParameter(String name, Tensor destination) {
        if (!name.equals(NormEvaluation.WEIGHT) || tangents.input(0).isEmpty()) {
            return;
        }
        Elementwise ops = backend.elementwise();
        try (TensorScope scope = backend.openScope()) {
            Tensor moved = evaluation.byGroup(scope, tangents.input(0).get());
            Tensor change = evaluation.projected(backend, scope, moved);
            ops.combine(MULTIPLY, change, evaluation.inverse(), change);
            ops.combine(MULTIPLY, change, evaluation.byGroup(scope, cotangents), change);
            Affine affine = evaluation.affine();
            Tensor split = affine.split(
                    scope, scope.view(change, evaluation.output().shape().prepend(tangents.columns())));
            int axis = affine.isLast() ? 2 : 3;
            Tensor ofSamples = scope.allocate(
                    split.shape().slice(0, 2).append(affine.parameter().elements()), split.dtype());
            backend.reductions().reduce(Reduction.SUM, split, axis, axis + 1, ofSamples);
            Tensor sum = scope.allocate(affine.parameter().prepend(tangents.columns()), split.dtype());
            Tensor flat = scope.view(
                    sum, ofSamples.shape().slice(0, 1).append(affine.parameter().elements()));
            backend.reductions().reduce(Reduction.SUM, ofSamples, 1, 2, flat);
            ops.addScaled(1, sum, destination);
        }
    }
}
