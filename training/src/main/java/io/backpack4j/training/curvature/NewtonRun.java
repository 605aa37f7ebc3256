// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.operators.ConjugateGradients;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.State;
import java.util.Map;

/** {@link NewtonCG} at work. */
final class NewtonRun implements OptimizerRun {

    private static final String STEPS = "steps";
    private static final String LAST = "last";

    private final NewtonCG options;
    private final OptimizerSetup setup;
    private final Elementwise elementwise;
    private final Gradients gradients;
    private final DampingRun damping;
    private final TensorScope scope;
    /** The last solution, zero where there is none to start from. */
    private final Tensor last;

    private long steps;

    NewtonRun(NewtonCG options, OptimizerSetup setup) {
        this.options = options;
        this.setup = setup;
        this.elementwise = setup.backend().elementwise();
        this.gradients = new Gradients(setup, options.weightDecay());
        this.damping = new DampingRun(options.damping());
        this.scope = setup.backend().openScope();
        long size = setup.parameters().stream()
                .mapToLong(parameter -> setup.parameter(parameter).shape().elements())
                .sum();
        this.last = scope.allocate(Shape.of(1, size), setup.model().dtype());
        elementwise.fill(last, 0);
    }

    @Override
    public void step(OptimizerStep step) {
        try (LocalModel model = LocalModel.open(setup, step, options.matrix(), gradients);
                TensorScope temporary = setup.backend().openScope()) {
            ConjugateGradients.Solution solved = solve(temporary, model);
            Tensor solution = solved.x();
            Tensor moved = model.perParameter(step::learningRate);
            elementwise.combine(BinaryOperation.MULTIPLY, moved, solution, moved);
            if (options.damping().adaptive()) {
                boolean indefinite = solved.columns().get(0).stop() == ConjugateGradients.Stop.NEGATIVE_CURVATURE;
                tryOut(temporary, model, solution, moved, indefinite);
            } else {
                add(temporary, model, moved);
                elementwise.copy(solution, last);
            }
        }
        steps++;
    }

    private ConjugateGradients.Solution solve(TensorScope target, LocalModel model) {
        try (TensorScope temporary = setup.backend().openScope()) {
            Tensor right = temporary.allocate(last.shape(), last.dtype());
            elementwise.affine(model.gradient(), -1, 0, right);
            Tensor guess = temporary.allocate(last.shape(), last.dtype());
            elementwise.affine(last, options.warmStart(), 0, guess);
            return ConjugateGradients.DEFAULT
                    .damping(damping.value())
                    .tolerance(options.cgTolerance())
                    .maxIterations(options.cgMaxIterations())
                    .solve(target, model.curvature(), right, guess);
        }
    }

    /**
     * Takes a step, and takes it back if it made the loss larger.
     *
     * @param indefinite whether the solver met negative curvature, as far as which the solution goes: more damping is
     *     needed then, whatever the step brings
     */
    private void tryOut(TensorScope temporary, LocalModel model, Tensor solution, Tensor moved, boolean indefinite) {
        double promised = model.promised(moved);
        double penalty = model.penalty(moved);
        boolean isRounding = model.isRounding(promised);
        double ratio = Double.NaN;
        boolean taken = promised < 0 || (isRounding && !indefinite);
        if (taken) {
            Tensor before = temporary.allocate(moved.shape(), moved.dtype());
            model.join(temporary, setup::parameter, before);
            add(temporary, model, moved);
            double brought = model.lossChange() + penalty;
            ratio = brought / promised;
            if (!(brought <= 0) && !isRounding) {
                taken = false;
                Map<String, Tensor> parts = model.layout().split(temporary, before);
                parts.forEach((parameter, part) ->
                        elementwise.copy(part, Gradients.asVector(temporary, setup.parameter(parameter))));
            }
        }
        if (taken) {
            elementwise.copy(solution, last);
        } else {
            elementwise.fill(last, 0);
        }
        if (!taken || indefinite) {
            damping.follow(Double.NaN);
        } else if (damping.isDue(steps) && !isRounding) {
            damping.follow(ratio);
        }
    }

    private void add(TensorScope temporary, LocalModel model, Tensor moved) {
        model.layout().split(temporary, moved).forEach((parameter, part) -> {
            Tensor value = setup.parameter(parameter);
            elementwise.addScaled(1, temporary.view(part, value.shape()), value);
        });
    }

    @Override
    public void save(State state) {
        state.put(STEPS, steps);
        damping.save(state);
        state.put(LAST, last);
    }

    @Override
    public void load(State state) {
        steps = state.integer(STEPS);
        damping.load(state);
        state.read(LAST, last);
    }

    @Override
    public void close() {
        scope.close();
    }
}
