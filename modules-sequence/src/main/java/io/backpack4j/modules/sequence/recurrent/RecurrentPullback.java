// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.module.factored.FactorSizes;
import io.backpack4j.spi.module.factored.FactoredParameter;
import io.backpack4j.spi.module.factored.SampleBlocks;
import io.backpack4j.spi.module.factored.SharedOutputs;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The way back through time, gone once: cotangents d of what weights give are one factor of these, the other being the
 * input x or the last state h.
 */
final class RecurrentPullback implements Pullback {

    private final RecurrentEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final LayerPull pulled;
    private final Map<Integer, SharedOutputs> outputs = new HashMap<>();

    RecurrentPullback(RecurrentEvaluation evaluation, EvaluationContext context, Tensor cotangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.pulled =
                LayerPull.of(context.scope(), backend, evaluation, null, still(evaluation.recurrence()), cotangents, 0);
    }

    private static List<List<Weights>> still(Recurrence recurrence) {
        List<Weights> ofLayer = Collections.nCopies(recurrence.directions(), Weights.of(Map.of(), ""));
        return Collections.nCopies(Math.toIntExact(recurrence.numLayers()), ofLayer);
    }

    @Override
    public Tensor input(int index) {
        if (index == 0) {
            return pulled.input(context.scope(), 0).value();
        }
        if (index > evaluation.states()) {
            throw new IllegalStateException("Lengths have no cotangents");
        }
        return pulled.states(context.scope(), index - 1).value();
    }

    @Override
    public ParameterDerivatives parameter(String name) {
        Optional<ParameterName> known = ParameterName.of(evaluation.recurrence(), name);
        if (known.isEmpty()) {
            return Pullback.super.parameter(name);
        }
        ParameterName parameter = known.get();
        DirectionPull direction = pulled.layers().get(parameter.layer()).get(parameter.direction());
        Tensor cotangents = (parameter.isOfState() ? direction.ofState() : direction.ofInput()).value();
        if (parameter.isBias()) {
            return BiasDerivatives.channelsLast(backend, cotangents);
        }
        FactoredParameter weight = weight(cotangents, parameter.isOfState() ? states(parameter) : input(parameter));
        return evaluation.recurrence().cell().addsBoth() ? weight.sharing(outputs(parameter)) : weight;
    }

    /** Both weights of a direction have the same left factors. */
    private SharedOutputs outputs(ParameterName parameter) {
        int direction = parameter.layer() * evaluation.recurrence().directions() + parameter.direction();
        return outputs.computeIfAbsent(direction, absent -> new SharedOutputs(backend, context.scope()));
    }

    private Tensor input(ParameterName parameter) {
        return evaluation.layers().get(parameter.layer()).input();
    }

    /** The states before all steps, {@code [N, T, H]}, zero behind the ends of sequences. */
    private Tensor states(ParameterName parameter) {
        RecurrentEvaluation.Layer layer = evaluation.layers().get(parameter.layer());
        Trajectory trajectory = layer.trajectories().get(parameter.direction());
        Direction direction = layer.directions().get(parameter.direction());
        TensorScope target = context.scope();
        Optional<Padding> padding = evaluation.padding();
        try (TensorScope scope = backend.openScope()) {
            Tensor befores = trajectory.befores(scope);
            if (padding.isPresent()) {
                return padding.get().cleared(backend, target, direction.bySample(scope, befores));
            }
            return direction.bySample(target, befores);
        }
    }

    /** Σ_t d_t ⊗ right_t. */
    private FactoredParameter weight(Tensor cotangents, Tensor right) {
        Shape shape = cotangents.shape();
        long rows = shape.size(3);
        long columns = right.shape().size(2);
        return new FactoredParameter(
                backend,
                Shape.of(rows, columns),
                cotangents.dtype(),
                shape.size(0),
                shape.size(1),
                new FactorSizes(1, rows, columns, shape.size(2), true),
                (scope, block) -> factors(scope, block, cotangents, right));
    }

    private PerSampleProduct factors(TensorScope scope, Block block, Tensor cotangents, Tensor right) {
        Tensor rows = SampleBlocks.rows(backend, scope, cotangents, block);
        Tensor samples = scope.rows(right, block.fromSample(), block.toSample());
        return new PerSampleProduct(oneGroup(scope, rows), true, oneGroup(scope, samples), false);
    }

    /** {@code [·, S, ·]} as {@code [·, 1, S, ·]}. */
    private static Tensor oneGroup(TensorScope scope, Tensor factor) {
        Shape shape = factor.shape();
        return scope.view(factor, Shape.of(shape.size(0), 1, shape.size(1), shape.size(2)));
    }
}
