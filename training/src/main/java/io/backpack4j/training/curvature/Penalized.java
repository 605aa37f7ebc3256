// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.LinearUpdate;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.State;
import io.backpack4j.training.TrainingProblems;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * An optimiser that also minimises penalties for leaving what other tasks were learned with: their gradients are
 * added to the loss's before it makes its update. A run keeps copies of the penalties, and checkpoints have them: a
 * run that goes on takes the checkpoint's numbers. The losses that training reports are without penalties; their sum
 * stands as {@code penalty} in the log.
 *
 * @param optimizer makes the updates
 * @param penalties at least one; the caller's, who may close them when runs have started
 */
public record Penalized(Optimizer optimizer, List<QuadraticPenalty> penalties) implements Optimizer {

    public Penalized {
        penalties = List.copyOf(penalties);
        if (penalties.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "No penalty was given. Take the optimiser %s alone.".formatted(optimizer.type()));
        }
    }

    /** With some penalties. */
    public Penalized(Optimizer optimizer, QuadraticPenalty... penalties) {
        this(optimizer, List.of(penalties));
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("optimizer", optimizer.type());
        arguments.putAll(optimizer.arguments());
        arguments.put(
                "strengths", penalties.stream().map(QuadraticPenalty::strength).toList());
        return arguments;
    }

    @Override
    public double learningRate() {
        return optimizer.learningRate();
    }

    @Override
    public Batches batches(DataSource data, int batch, boolean shuffled, boolean dropsLast, long seed) {
        return optimizer.batches(data, batch, shuffled, dropsLast, seed);
    }

    /**
     * Starts.
     *
     * @throws BackpackException if a penalty holds none of the parameters that are trained
     */
    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        for (QuadraticPenalty penalty : penalties) {
            if (setup.parameters().stream().noneMatch(penalty.parameters()::contains)) {
                throw new BackpackException(
                        CommonProblems.UNKNOWN_PARAMETER,
                        "A penalty is for parameters %s, but %s are trained. Take one of a model that shares some."
                                .formatted(penalty.parameters(), setup.parameters()));
            }
        }
        return new Run(setup, optimizer.start(setup), penalties);
    }

    private static final class Run implements OptimizerRun {

        private static final String INNER = "optimizer";
        private static final String PENALTIES = "penalties";
        private static final String COUNT = "count";

        private final OptimizerSetup setup;
        private final OptimizerRun inner;
        private final List<QuadraticPenalty> penalties = new ArrayList<>();

        Run(OptimizerSetup setup, OptimizerRun inner, List<QuadraticPenalty> originals) {
            this.setup = setup;
            this.inner = inner;
            try {
                originals.forEach(original -> penalties.add(original.copy()));
            } catch (RuntimeException | Error e) {
                close();
                throw e;
            }
        }

        @Override
        public Optional<String> stopReason() {
            return inner.stopReason();
        }

        @Override
        public Map<String, Double> values() {
            double sum = 0;
            for (QuadraticPenalty penalty : penalties) {
                for (String parameter : setup.parameters()) {
                    sum += penalty.value(parameter, setup.parameter(parameter));
                }
            }
            Map<String, Double> values = new LinkedHashMap<>(inner.values());
            values.put("penalty", sum);
            return values;
        }

        @Override
        public void prepare(PassPreparation pass) {
            inner.prepare(pass);
        }

        @Override
        public Optional<LinearUpdate> plan(Map<String, Double> rates, OptionalDouble momentum, TensorScope scope) {
            return inner.plan(rates, momentum, scope).map(update -> {
                Map<String, Tensor> rest = new LinkedHashMap<>();
                for (String parameter : setup.parameters()) {
                    Tensor sum = start(scope, parameter, update.rest().get(parameter));
                    addPenalties(parameter, -update.rate(), sum);
                    rest.put(parameter, sum);
                }
                return new LinearUpdate(update.rate(), rest);
            });
        }

        @Override
        public void step(OptimizerStep step) {
            try (TensorScope scope = setup.backend().openScope()) {
                Map<String, Tensor> gradients = new LinkedHashMap<>();
                for (String parameter : setup.parameters()) {
                    Tensor sum = start(scope, parameter, step.gradient(parameter));
                    addPenalties(parameter, 1, sum);
                    gradients.put(parameter, sum);
                }
                inner.step(new OptimizerStep(
                        step.number(),
                        step.batch(),
                        step.results(),
                        step.seed(),
                        gradients,
                        step.rates(),
                        step.momentum()));
            }
        }

        /** A copy of a tensor, zeros if there is none. */
        private Tensor start(TensorScope scope, String parameter, @Nullable Tensor first) {
            Tensor value = setup.parameter(parameter);
            Tensor sum = scope.allocate(value.shape(), value.dtype());
            if (first == null) {
                setup.backend().elementwise().fill(sum, 0);
            } else {
                setup.backend().elementwise().copy(first, sum);
            }
            return sum;
        }

        private void addPenalties(String parameter, double factor, Tensor sum) {
            for (QuadraticPenalty penalty : penalties) {
                penalty.addGradient(parameter, setup.parameter(parameter), factor, sum);
            }
        }

        @Override
        public void save(State state) {
            inner.save(state.at(INNER));
            State own = state.at(PENALTIES);
            own.put(COUNT, (long) penalties.size());
            for (int i = 0; i < penalties.size(); i++) {
                State task = own.at(String.valueOf(i));
                penalties.get(i).tensors().forEach(task::put);
            }
        }

        @Override
        public void load(State state) {
            inner.load(state.at(INNER));
            State own = state.at(PENALTIES);
            if (own.integer(COUNT) != penalties.size()) {
                throw new BackpackException(
                        TrainingProblems.FOREIGN_CHECKPOINT,
                        "The checkpoint has %d penalties, but the optimiser %d. Give as many."
                                .formatted(own.integer(COUNT), penalties.size()));
            }
            for (int i = 0; i < penalties.size(); i++) {
                State task = own.at(String.valueOf(i));
                penalties.get(i).tensors().forEach(task::read);
            }
        }

        @Override
        public void close() {
            penalties.forEach(QuadraticPenalty::close);
            inner.close();
        }
    }
}
