// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A recurrent layer that has gone through time. It has no curvature by its inputs alone, for its weights meet
 * themselves at every step.
 *
 * @param recurrence the layer
 * @param layers from the first on
 * @param states how many initial states were given
 * @param inputs how many inputs there are
 * @param padding which steps count; nothing if all do
 * @param output {@code [N, T, D · H]}
 */
record RecurrentEvaluation(
        Recurrence recurrence, List<Layer> layers, int states, int inputs, Optional<Padding> padding, Tensor output)
        implements Evaluation {

    /**
     * One layer.
     *
     * @param input {@code [N, T, I]}, zero behind the ends of sequences
     * @param dropout what its input was multiplied with, {@code [N, T, I]}; nothing for 1
     * @param directions one or two
     * @param trajectories of the directions
     */
    record Layer(Tensor input, Optional<Tensor> dropout, List<Direction> directions, List<Trajectory> trajectories) {}

    static RecurrentEvaluation of(
            EvaluationContext context, Recurrence recurrence, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Backend backend = context.backend();
        Tensor given = inputs.get(0);
        long steps = given.shape().size(1);
        int states = inputs.size() - (recurrence.lengths() ? 2 : 1);
        Optional<Padding> padding = recurrence.lengths()
                ? Optional.of(
                        Padding.of(context, recurrence.type(), inputs.get(inputs.size() - 1), steps, given.dtype()))
                : Optional.empty();
        Tensor input = padding.isPresent() ? padding.get().cleared(backend, context.scope(), given) : given;
        List<Tensor> initial = inputs.subList(1, 1 + states);
        List<Layer> layers = new ArrayList<>();
        for (long number = 0; number < recurrence.numLayers(); number++) {
            Optional<Tensor> dropout = Optional.empty();
            if (recurrence.drops(number)) {
                dropout = Optional.of(mask(context, recurrence.dropout(), number, input));
                input = masked(backend, context.scope(), input, dropout.get());
            }
            List<Direction> directions = new ArrayList<>();
            List<Trajectory> trajectories = new ArrayList<>();
            for (int i = 0; i < recurrence.directions(); i++) {
                Weights weights = Weights.of(parameters, Recurrence.suffix(number, i));
                Direction direction = new Direction(backend, recurrence.cell(), weights, i == 1, padding);
                long state = number * recurrence.directions() + i;
                try (TensorScope scope = backend.openScope()) {
                    List<Tensor> ofDirection = states(backend, scope, initial, state, 1);
                    trajectories.add(direction.forward(context.scope(), input, ofDirection));
                }
                directions.add(direction);
            }
            layers.add(new Layer(input, dropout, directions, trajectories));
            input = joined(context, directions, trajectories, padding);
        }
        return new RecurrentEvaluation(recurrence, layers, states, inputs.size(), padding, input);
    }

    /** 1/(1 − p) where a uniform number exceeds p, else 0. */
    private static Tensor mask(EvaluationContext context, double p, long layer, Tensor input) {
        Backend backend = context.backend();
        Tensor mask = context.scope().allocate(input.shape(), input.dtype());
        try (TensorScope scope = backend.openScope()) {
            // Compared in double precision, so that all types and backends drop the same.
            Tensor uniform = scope.allocate(input.shape(), DType.FLOAT64);
            backend.random().uniform(context.randomKey().stream("layer " + layer), context.sampleIds(), uniform);
            backend.elementwise().affine(uniform, 1, -p, uniform);
            backend.elementwise().apply(UnaryOperation.POSITIVE, uniform, uniform);
            backend.elementwise().copy(uniform, mask);
        }
        backend.elementwise().affine(mask, p == 1 ? 0 : 1 / (1 - p), 0, mask);
        return mask;
    }

    static Tensor masked(Backend backend, TensorScope target, Tensor x, Tensor mask) {
        Tensor result = target.allocate(x.shape(), x.dtype());
        backend.elementwise().combine(BinaryOperation.MULTIPLY, x, mask, result);
        return result;
    }

    /**
     * One direction's part of initial states, or of their tangents.
     *
     * @param initial {@code [N, L · D, H]}, or {@code [V, N, L · D, H]}
     * @param axis where L · D stands
     */
    static List<Tensor> states(Backend backend, TensorScope scope, List<Tensor> initial, long state, int axis) {
        List<Tensor> states = new ArrayList<>();
        for (Tensor all : initial) {
            Region region = Region.all(all.shape()).with(axis, state, 1);
            Tensor one = scope.allocate(region.shape(), all.dtype());
            backend.indexing().extract(all, region, one);
            Shape shape = all.shape().slice(0, axis).append(all.shape().size(-1));
            states.add(scope.view(one, shape));
        }
        return states;
    }

    /** What all directions give out side by side, {@code [*, T, D · H]}, zero behind the ends of sequences. */
    static Tensor joined(
            EvaluationContext context,
            List<Direction> directions,
            List<Trajectory> trajectories,
            Optional<Padding> padding) {
        Backend backend = context.backend();
        try (TensorScope scope = backend.openScope()) {
            List<Tensor> parts = new ArrayList<>();
            for (int i = 0; i < directions.size(); i++) {
                Tensor afters = trajectories.get(i).afters(scope);
                parts.add(directions.get(i).bySample(scope, afters));
            }
            Tensor all = parts.get(0);
            if (parts.size() > 1) {
                Shape shape = all.shape().with(-1, parts.size() * all.shape().size(-1));
                all = scope.allocate(shape, all.dtype());
                for (int i = 0; i < parts.size(); i++) {
                    backend.indexing().insert(parts.get(i), directions.get(i).part(shape), all);
                }
            }
            if (padding.isPresent()) {
                return padding.get().cleared(backend, context.scope(), all);
            }
            return context.scope().adopt(all);
        }
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new RecurrentPullback(this, context, cotangents);
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        return MovingLayers.of(context, this, tangents, false).output();
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return new RecurrentPullbackTangent(this, context, cotangents, tangents);
    }
}
