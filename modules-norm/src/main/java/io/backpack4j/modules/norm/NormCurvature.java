// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.LineCurvature;
import io.backpack4j.spi.module.Lines;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The curvature of a norm, group by group of D elements: with h = w ⊙ g, m = ⟨x̂ h⟩ and u = P h − m x̂ / 2, it is −r² m
 * I + r² m / D · 1 1ᵀ − r² / D (u x̂ᵀ + x̂ uᵀ); without centring the term of ones is not there.
 */
final class NormCurvature {

    private NormCurvature() {}

    static Curvature of(NormEvaluation evaluation, EvaluationContext context, Tensor cotangents) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        TensorScope scope = context.scope();
        Tensor normalised = evaluation.normalised();
        Shape groups = normalised.shape();
        double length = groups.size(2);
        Tensor diagonal = scope.allocate(groups, normalised.dtype());
        Tensor ones = scope.allocate(groups, normalised.dtype());
        Tensor ofOnes = scope.allocate(groups.with(2, 1), normalised.dtype());
        Tensor ofMixed = scope.allocate(groups.with(2, 1), normalised.dtype());
        Tensor u = scope.allocate(groups, normalised.dtype());
        try (TensorScope step = backend.openScope()) {
            Tensor weighted = step.view(evaluation.weighted(backend, step, cotangents), groups);
            Tensor mean = new Lines(backend, step).meanProduct(weighted, normalised);
            Tensor asColumns = step.view(weighted, groups.prepend(1));
            Tensor projected = evaluation.projected(backend, step, asColumns);
            ops.combine(MULTIPLY, normalised, mean, u);
            ops.affine(u, -0.5, 0, u);
            ops.addScaled(1, step.view(projected, groups), u);
            ops.combine(MULTIPLY, evaluation.inverse(), evaluation.inverse(), ofMixed);
            ops.combine(MULTIPLY, ofMixed, mean, ofOnes);
            ops.fill(ones, 1);
            ops.combine(MULTIPLY, ones, ofOnes, diagonal);
            ops.affine(diagonal, -1, 0, diagonal);
            ops.affine(ofOnes, 1 / length, 0, ofOnes);
            ops.affine(ofMixed, -1 / length, 0, ofMixed);
        }
        List<LineCurvature.Vectors> vectors = new ArrayList<>(LineCurvature.mixed(context, u, normalised, ofMixed));
        if (evaluation.centred()) {
            vectors.add(new LineCurvature.Vectors(ones, ofOnes));
        }
        Shape input = evaluation.output().shape();
        return new LineCurvature(input, groups, Optional.of(scope.view(diagonal, input)), vectors);
    }
}
