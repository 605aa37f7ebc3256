// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;

/**
 * Adagrad, as {@code torch.optim.Adagrad}: θ ← θ − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps) with the sum s of all
 * squares.
 *
 * @param lr the learning rate
 * @param lrDecay how fast it falls
 * @param weightDecay times θ is added to the gradient
 * @param initialAccumulatorValue where s starts
 * @param eps keeps the denominator from 0
 * @param maximize whether the loss is to become large
 */
public record Adagrad(
        double lr, double lrDecay, double weightDecay, double initialAccumulatorValue, double eps, boolean maximize)
        implements Optimizer {

    private static final double EPSILON = 1e-10;

    public Adagrad {
        Checks.atLeastZero("lr", lr);
        Checks.atLeastZero("lr_decay", lrDecay);
        Checks.atLeastZero("weight_decay", weightDecay);
        Checks.atLeastZero("initial_accumulator_value", initialAccumulatorValue);
        Checks.atLeastZero("eps", eps);
    }

    /** PyTorch's defaults, with a learning rate. */
    public Adagrad(double lr) {
        this(lr, 0, 0, 0, EPSILON, false);
    }

    static Adagrad of(Arguments options) {
        return new Adagrad(
                options.number("lr", 1e-2),
                options.number("lr_decay", 0),
                options.number("weight_decay", 0),
                options.number("initial_accumulator_value", 0),
                options.number("eps", EPSILON),
                options.flag("maximize", false));
    }

    @Override
    public boolean usesGradientsOnly() {
        return true;
    }

    @Override
    public double learningRate() {
        return lr;
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        return new Run(this, setup);
    }

    private static final class Run extends ElementwiseRun {

        private final Adagrad options;
        private final Slots sums;

        Run(Adagrad options, OptimizerSetup setup) {
            super(setup, options.weightDecay, options.maximize);
            this.options = options;
            this.sums = slots("sum", options.initialAccumulatorValue);
        }

        @Override
        void update(String parameter, Tensor value, Tensor ofLoss, OptimizerStep step, TensorScope temporary) {
            Tensor gradient = direction(value, ofLoss, decay(parameter), temporary);
            Tensor sum = sums.of(parameter);
            Tensor work = temporary.allocate(value.shape(), value.dtype());
            elementwise.apply(UnaryOperation.SQUARE, gradient, work);
            elementwise.addScaled(1, work, sum);
            elementwise.apply(UnaryOperation.SQRT, sum, work);
            elementwise.affine(work, 1, options.eps, work);
            elementwise.combine(BinaryOperation.DIVIDE, gradient, work, work);
            double rate = step.learningRate(parameter) / (1 + (count() - 1) * options.lrDecay);
            elementwise.addScaled(-rate, work, value);
        }
    }
}
