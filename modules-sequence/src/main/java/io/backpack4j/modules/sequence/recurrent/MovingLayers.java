// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How layers move along tangents.
 *
 * @param inputs of every layer, {@code [V, N, T, I]}; empty for one that stands still
 * @param trajectories of every layer, one for each direction; none if nobody asked for them
 * @param output {@code [V, N, T, D · H]}
 */
record MovingLayers(List<Optional<Tensor>> inputs, List<List<Trajectory>> trajectories, Tensor output) {

    /**
     * Goes through time.
     *
     * @param context where the result is allocated
     * @param keep whether trajectories and inputs are asked for
     */
    static MovingLayers of(EvaluationContext context, RecurrentEvaluation evaluation, Tangents tangents, boolean keep) {
        Backend backend = context.backend();
        long columns = tangents.columns();
        List<Optional<Tensor>> inputs = new ArrayList<>();
        List<List<Trajectory>> all = new ArrayList<>();
        Optional<Tensor> input = tangents.input(0)
                .map(tangent -> evaluation
                        .padding()
                        .map(it -> it.cleared(backend, context.scope(), tangent))
                        .orElse(tangent));
        int number = 0;
        for (RecurrentEvaluation.Layer layer : evaluation.layers()) {
            if (input.isPresent() && layer.dropout().isPresent()) {
                input = Optional.of(RecurrentEvaluation.masked(
                        backend, context.scope(), input.get(), layer.dropout().get()));
            }
            inputs.add(input);
            try (TensorScope scope = backend.openScope()) {
                List<Trajectory> trajectories = new ArrayList<>();
                for (int i = 0; i < layer.directions().size(); i++) {
                    Direction direction = layer.directions().get(i);
                    int state = number * layer.directions().size() + i;
                    trajectories.add(direction.push(
                            keep ? context.scope() : scope,
                            layer.trajectories().get(i),
                            new Moving(layer.input(), input.orElse(null)),
                            states(backend, scope, evaluation, tangents, state),
                            Weights.of(tangents.parameters(), Recurrence.suffix(number, i)),
                            columns));
                }
                input = Optional.of(
                        RecurrentEvaluation.joined(context, layer.directions(), trajectories, evaluation.padding()));
                all.add(keep ? trajectories : List.of());
            }
            number++;
        }
        return new MovingLayers(inputs, all, input.orElseThrow());
    }

    /** Tangents of the initial states: nothing if all stand still. */
    private static List<Tensor> states(
            Backend backend, TensorScope scope, RecurrentEvaluation evaluation, Tangents tangents, int state) {
        List<Tensor> given = new ArrayList<>();
        boolean moves = false;
        for (int i = 1; i <= evaluation.states(); i++) {
            moves |= tangents.input(i).isPresent();
        }
        if (!moves) {
            return List.of();
        }
        Recurrence recurrence = evaluation.recurrence();
        Shape shape = Shape.of(
                tangents.columns(),
                evaluation.output().shape().size(0),
                recurrence.numLayers() * recurrence.directions(),
                recurrence.hiddenSize());
        for (int i = 1; i <= evaluation.states(); i++) {
            Optional<Tensor> tangent = tangents.input(i);
            if (tangent.isPresent()) {
                given.add(tangent.get());
            } else {
                Tensor zeros = scope.allocate(shape, evaluation.output().dtype());
                backend.elementwise().fill(zeros, 0);
                given.add(zeros);
            }
        }
        return RecurrentEvaluation.states(backend, scope, given, state, 2);
    }
}
