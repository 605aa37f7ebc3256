// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All layers on their way back, the last first.
 *
 * @param layers of every layer, from the first on, what its directions pulled
 */
record LayerPull(
        RecurrentEvaluation evaluation, Backend backend, List<List<DirectionPull>> layers, List<List<Weights>> moving) {

    /**
     * Goes back.
     *
     * @param target owns the result
     * @param moving how layers move; null where nobody asks
     * @param weights tangents of the parameters of every layer's directions
     * @param cotangents of the output, {@code [V, N, T, D · H]}
     * @param columns the number of tangents; 0 for none
     */
    static LayerPull of(
            TensorScope target,
            Backend backend,
            RecurrentEvaluation evaluation,
            @Nullable MovingLayers moving,
            List<List<Weights>> weights,
            Tensor cotangents,
            long columns) {
        List<List<DirectionPull>> pulled = new ArrayList<>();
        LayerPull result = new LayerPull(evaluation, backend, pulled, weights);
        for (int i = 0; i < evaluation.layers().size(); i++) {
            pulled.add(List.of());
        }
        try (TensorScope scope = backend.openScope()) {
            Moving ofOutput = Moving.still(cotangents);
            for (int number = evaluation.layers().size() - 1; number >= 0; number--) {
                RecurrentEvaluation.Layer layer = evaluation.layers().get(number);
                List<DirectionPull> ofLayer = new ArrayList<>();
                for (int i = 0; i < layer.directions().size(); i++) {
                    Direction direction = layer.directions().get(i);
                    try (TensorScope step = backend.openScope()) {
                        Moving part = result.part(step, direction, ofOutput);
                        ofLayer.add(DirectionPull.of(
                                target,
                                direction,
                                layer.trajectories().get(i),
                                moving == null
                                        ? null
                                        : moving.trajectories().get(number).get(i),
                                weights.get(number).get(i),
                                part,
                                columns));
                    }
                }
                pulled.set(number, ofLayer);
                if (number > 0) {
                    ofOutput = result.input(scope, number);
                }
            }
        }
        return result;
    }

    /** What belongs to one direction, zero behind the ends of sequences. */
    private Moving part(TensorScope scope, Direction direction, Moving all) {
        return new Moving(
                part(scope, direction, all.value()),
                all.tangent() == null ? null : part(scope, direction, all.tangent()));
    }

    private Tensor part(TensorScope scope, Direction direction, Tensor all) {
        Tensor part = all;
        if (evaluation.recurrence().directions() > 1) {
            Region region = direction.part(all.shape());
            part = scope.allocate(region.shape(), all.dtype());
            backend.indexing().extract(all, region, part);
        }
        return evaluation.padding().isPresent() ? evaluation.padding().get().cleared(backend, scope, part) : part;
    }

    /** The cotangents of a layer's input, {@code [V, N, T, I]}, before dropout. */
    Moving input(TensorScope target, int number) {
        RecurrentEvaluation.Layer layer = evaluation.layers().get(number);
        DirectionPull first = layers.get(number).get(0);
        Tensor value = input(target, number, first.ofInput().value(), null);
        Tensor tangent = first.ofInput().tangent() == null
                ? null
                : input(target, number, value, first.ofInput().tangent());
        if (layer.dropout().isPresent()) {
            Tensor mask = layer.dropout().get();
            value = RecurrentEvaluation.masked(backend, target, value, mask);
            tangent = tangent == null ? null : RecurrentEvaluation.masked(backend, target, tangent, mask);
        }
        return new Moving(value, tangent);
    }

    /** Σ d · weight over the directions; or its tangents, which have the columns of {@code likeTangent}. */
    private Tensor input(TensorScope target, int number, Tensor likeValue, @Nullable Tensor likeTangent) {
        Tensor like = likeTangent == null ? likeValue : likeTangent;
        RecurrentEvaluation.Layer layer = evaluation.layers().get(number);
        Tensor result =
                target.allocate(like.shape().with(-1, layer.input().shape().size(-1)), like.dtype());
        try (TensorScope scope = backend.openScope()) {
            for (int i = 0; i < layer.directions().size(); i++) {
                Moving pulled = layers.get(number).get(i).ofInput();
                Tensor source = likeTangent == null ? pulled.value() : pulled.tangent();
                Tensor weight = layer.directions().get(i).ofInput();
                double kept = i == 0 ? 0 : 1;
                if (source != null) {
                    backend.products()
                            .multiply(
                                    Direction.rows(scope, source),
                                    false,
                                    weight,
                                    false,
                                    1,
                                    kept,
                                    Direction.rows(scope, result));
                }
                if (likeTangent != null) {
                    moving.get(number)
                            .get(i)
                            .ofInput()
                            .ifPresent(tangent -> addMoving(scope, pulled.value(), tangent, result));
                }
            }
        }
        return result;
    }

    /** Adds d · ẇ. */
    private void addMoving(TensorScope scope, Tensor pulled, Tensor weight, Tensor result) {
        Tensor rows = Direction.rows(scope, pulled);
        Tensor asBatch = scope.view(rows, rows.shape().prepend(1));
        Shape shape = result.shape();
        Tensor target =
                scope.view(result, Shape.of(shape.size(0), shape.elements(1, shape.rank() - 1), shape.size(-1)));
        backend.products().multiply(asBatch, false, weight, false, 1, 1, target);
    }

    /**
     * The cotangents of initial states.
     *
     * @param index 0 for h, 1 for c
     * @return {@code [V, N, L · D, H]}
     */
    Moving states(TensorScope target, int index) {
        Moving first = state(layers.get(0).get(0), index);
        Tensor tangent = first.tangent();
        return new Moving(
                states(target, index, first.value(), false),
                tangent == null ? null : states(target, index, tangent, true));
    }

    private static Moving state(DirectionPull pulled, int index) {
        Moving memory = pulled.memory();
        return index == 0 || memory == null ? pulled.h() : memory;
    }

    private Tensor states(TensorScope target, int index, Tensor like, boolean ofTangents) {
        int directions = evaluation.recurrence().directions();
        Shape one = Shape.of(
                like.shape().size(0), like.shape().size(1), 1, like.shape().size(2));
        Tensor all = target.allocate(one.with(2, (long) layers.size() * directions), like.dtype());
        try (TensorScope scope = backend.openScope()) {
            for (int number = 0; number < layers.size(); number++) {
                for (int i = 0; i < directions; i++) {
                    Moving state = state(layers.get(number).get(i), index);
                    Tensor source = ofTangents ? state.tangent() : state.value();
                    if (source != null) {
                        Region region = Region.all(all.shape()).with(2, (long) number * directions + i, 1);
                        backend.indexing().insert(scope.view(source, one), region, all);
                    }
                }
            }
        }
        return all;
    }
}
