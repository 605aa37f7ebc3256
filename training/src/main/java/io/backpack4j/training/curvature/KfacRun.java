// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.State;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** {@link KFAC} at work. */
final class KfacRun implements OptimizerRun {

    private static final String STEPS = "steps";
    private static final String VELOCITIES = "velocity";
    private static final String BLOCKS = "block";

    private final KFAC options;
    private final OptimizerSetup setup;
    private final Elementwise elementwise;
    private final Gradients gradients;
    private final CurvatureSource<?> source;
    private final BlockAverages blocks;
    private final DampingRun damping;
    private final TensorScope scope;
    private final Map<String, Tensor> velocities = new LinkedHashMap<>();
    private long steps;

    KfacRun(KFAC options, OptimizerSetup setup) {
        this.options = options;
        this.setup = setup;
        this.elementwise = setup.backend().elementwise();
        this.gradients = new Gradients(setup, options.weightDecay());
        this.source = new CurvatureSource<>(setup, options.curvature());
        this.blocks = new BlockAverages(setup, source, options.curvatureEma());
        this.damping = new DampingRun(options.damping());
        this.scope = setup.backend().openScope();
        for (String parameter : setup.parameters()) {
            Tensor value = setup.parameter(parameter);
            Tensor velocity = scope.allocate(value.shape(), value.dtype());
            elementwise.fill(velocity, 0);
            velocities.put(parameter, velocity);
        }
    }

    @Override
    public void prepare(PassPreparation pass) {
        if (factorsAreDue()) {
            source.request(pass);
        }
    }

    private boolean factorsAreDue() {
        return steps < options.numBurninSteps() || updates() % options.curvatureUpdatePeriod() == 0;
    }

    /** The number of updates of parameters before this step. */
    private long updates() {
        return steps - options.numBurninSteps();
    }

    @Override
    public void step(OptimizerStep step) {
        if (factorsAreDue()) {
            blocks.add(step.results());
        }
        if (updates() >= 0) {
            if (updates() % options.inverseUpdatePeriod() == 0) {
                blocks.invert(parameter -> damping.value() + gradients.decay(parameter));
            }
            move(step);
            if (damping.isDue(updates())) {
                try (LocalModel model = LocalModel.open(setup, step, Matrix.GGN, gradients);
                        TensorScope temporary = setup.backend().openScope()) {
                    Tensor moved = model.perParameter(parameter -> 0);
                    model.join(temporary, this::velocity, moved);
                    double promised = model.promised(moved);
                    double penalty = model.penalty(moved);
                    add();
                    double brought = model.lossChange() + penalty;
                    if (!model.isRounding(promised)) {
                        damping.follow(promised < 0 ? brought / promised : Double.NaN);
                    }
                }
            } else {
                add();
            }
        }
        steps++;
    }

    /** Makes the velocity that of this step. */
    private void move(OptimizerStep step) {
        double momentum = step.momentum().orElse(options.momentum());
        try (TensorScope temporary = setup.backend().openScope()) {
            Map<String, Tensor> directions = new LinkedHashMap<>();
            double squaredNorm = 0;
            for (String parameter : setup.parameters()) {
                Tensor gradient = gradients.vector(temporary, step, parameter);
                Tensor direction = blocks.solve(temporary, parameter, gradient);
                directions.put(parameter, direction);
                if (options.normConstraint().isPresent()) {
                    double rate = step.learningRate(parameter);
                    squaredNorm += rate * rate * Dots.dot(setup.backend(), gradient, direction);
                }
            }
            double most = options.normConstraint().orElse(squaredNorm);
            double factor = squaredNorm > most ? Math.sqrt(most / squaredNorm) : 1;
            directions.forEach((parameter, direction) -> {
                Tensor velocity = velocity(parameter);
                elementwise.affine(velocity, momentum, 0, velocity);
                elementwise.addScaled(
                        -factor * step.learningRate(parameter), temporary.view(direction, velocity.shape()), velocity);
            });
        }
    }

    private void add() {
        velocities.forEach((parameter, velocity) -> elementwise.addScaled(1, velocity, setup.parameter(parameter)));
    }

    private Tensor velocity(String parameter) {
        return Objects.requireNonNull(velocities.get(parameter), parameter);
    }

    @Override
    public void save(State state) {
        state.put(STEPS, steps);
        damping.save(state);
        velocities.forEach(state.at(VELOCITIES)::put);
        blocks.save(state.at(BLOCKS));
    }

    @Override
    public void load(State state) {
        steps = state.integer(STEPS);
        damping.load(state);
        velocities.forEach(state.at(VELOCITIES)::read);
        blocks.load(state.at(BLOCKS));
    }

    @Override
    public void close() {
        blocks.close();
        scope.close();
    }
}
