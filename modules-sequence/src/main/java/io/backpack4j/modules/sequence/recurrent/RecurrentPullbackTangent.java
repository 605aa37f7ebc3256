// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How the way back through time moves: with d the cotangents of what a weight gives, Σ_t d_t ⊗ x_t moves by Σ_t ḋ_t ⊗
 * x_t + d_t ⊗ ẋ_t.
 */
final class RecurrentPullbackTangent implements PullbackTangent {

    private final RecurrentEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final long columns;
    private final MovingLayers moving;
    private final LayerPull pulled;

    RecurrentPullbackTangent(
            RecurrentEvaluation evaluation, EvaluationContext context, Tensor cotangents, Tangents tangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.columns = tangents.columns();
        this.moving = MovingLayers.of(context, evaluation, tangents, true);
        List<List<Weights>> weights = new ArrayList<>();
        for (int layer = 0; layer < evaluation.layers().size(); layer++) {
            List<Weights> ofLayer = new ArrayList<>();
            for (int i = 0; i < evaluation.recurrence().directions(); i++) {
                ofLayer.add(Weights.of(tangents.parameters(), Recurrence.suffix(layer, i)));
            }
            weights.add(ofLayer);
        }
        this.pulled = LayerPull.of(context.scope(), backend, evaluation, moving, weights, cotangents, columns);
    }

    @Override
    public Optional<Tensor> input(int index) {
        if (index > evaluation.states()) {
            return Optional.empty();
        }
        Moving moved = index == 0 ? pulled.input(context.scope(), 0) : pulled.states(context.scope(), index - 1);
        return Optional.ofNullable(moved.tangent());
    }

    @Override
    public void addToParameter(String name, Tensor destination) {
        ParameterName.of(evaluation.recurrence(), name).ifPresent(parameter -> {
            DirectionPull direction = pulled.layers().get(parameter.layer()).get(parameter.direction());
            Moving cotangents = parameter.isOfState() ? direction.ofState() : direction.ofInput();
            Tensor tangent = cotangents.tangent();
            if (tangent != null) {
                try (TensorScope scope = backend.openScope()) {
                    if (parameter.isBias()) {
                        addBias(scope, tangent, destination);
                    } else {
                        Moving right = parameter.isOfState() ? states(scope, parameter) : input(parameter);
                        add(scope, tangent, right.value(), destination);
                        if (right.tangent() != null) {
                            add(scope, cotangents.value(), right.tangent(), destination);
                        }
                    }
                }
            }
        });
    }

    private void addBias(TensorScope scope, Tensor tangent, Tensor destination) {
        Tensor rows = matrices(scope, tangent);
        Tensor sum = scope.allocate(destination.shape(), destination.dtype());
        backend.reductions().reduce(Reduction.SUM, rows, 1, 2, sum);
        backend.elementwise().addScaled(1, sum, destination);
    }

    /** Adds leftᵀ · right over samples and steps; one of them has columns. */
    private void add(TensorScope scope, Tensor left, Tensor right, Tensor destination) {
        backend.products().multiply(matrices(scope, left), true, matrices(scope, right), false, 1, 1, destination);
    }

    /** {@code [V, N · T, ·]}, V being 1 for what has no columns. */
    private static Tensor matrices(TensorScope scope, Tensor tensor) {
        Shape shape = tensor.shape();
        long first = shape.rank() == 4 ? shape.size(0) : 1;
        return scope.view(tensor, Shape.of(first, shape.elements(0, shape.rank() - 1) / first, shape.size(-1)));
    }

    private Moving input(ParameterName parameter) {
        return new Moving(
                evaluation.layers().get(parameter.layer()).input(),
                moving.inputs().get(parameter.layer()).orElse(null));
    }

    private Moving states(TensorScope scope, ParameterName parameter) {
        RecurrentEvaluation.Layer layer = evaluation.layers().get(parameter.layer());
        Direction direction = layer.directions().get(parameter.direction());
        Trajectory values = layer.trajectories().get(parameter.direction());
        Trajectory tangents = moving.trajectories().get(parameter.layer()).get(parameter.direction());
        return new Moving(
                direction.bySample(scope, values.befores(scope)), direction.bySample(scope, tangents.befores(scope)));
    }
}
