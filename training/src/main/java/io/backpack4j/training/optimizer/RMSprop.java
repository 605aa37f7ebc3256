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
 * RMSprop, as {@code torch.optim.RMSprop}: θ ← θ − lr · g / (√v + eps) with a moving average v of squares, of which, if
 * centered, the square of the mean is taken.
 *
 * @param lr the learning rate
 * @param alpha how much of v is kept in a step
 * @param eps keeps the denominator from 0
 * @param weightDecay times θ is added to the gradient
 * @param momentum what is kept of the last update
 * @param centered whether v is a variance
 * @param maximize whether the loss is to become large
 */
public record RMSprop(
        double lr, double alpha, double eps, double weightDecay, double momentum, boolean centered, boolean maximize)
        implements Optimizer {

    private static final double ALPHA = 0.99;
    private static final double EPSILON = 1e-8;

    public RMSprop {
        Checks.atLeastZero("lr", lr);
        Checks.fraction("alpha", alpha);
        Checks.atLeastZero("eps", eps);
        Checks.atLeastZero("weight_decay", weightDecay);
        Checks.atLeastZero("momentum", momentum);
    }

    /** PyTorch's defaults, with a learning rate. */
    public RMSprop(double lr) {
        this(lr, ALPHA, EPSILON, 0, 0, false, false);
    }

    static RMSprop of(Arguments options) {
        return new RMSprop(
                options.number("lr", 1e-2),
                options.number("alpha", ALPHA),
                options.number("eps", EPSILON),
                options.number("weight_decay", 0),
                options.number("momentum", 0),
                options.flag("centered", false),
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

        private final RMSprop options;
        private final Slots squares;
        private final Slots means;
        private final Slots momenta;

        Run(RMSprop options, OptimizerSetup setup) {
            super(setup, options.weightDecay, options.maximize);
            this.options = options;
            this.squares = slots("square_avg");
            this.means = slots("grad_avg");
            this.momenta = slots("momentum_buffer");
        }

        @Override
        void update(String parameter, Tensor value, Tensor ofLoss, OptimizerStep step, TensorScope temporary) {
            Tensor gradient = direction(value, ofLoss, decay(parameter), temporary);
            Tensor square = squares.of(parameter);
            Tensor work = temporary.allocate(value.shape(), value.dtype());
            elementwise.apply(UnaryOperation.SQUARE, gradient, work);
            elementwise.addScaled(1 - options.alpha, work, options.alpha, square);
            if (options.centered) {
                Tensor mean = means.of(parameter);
                elementwise.addScaled(1 - options.alpha, gradient, options.alpha, mean);
                elementwise.apply(UnaryOperation.SQUARE, mean, work);
                elementwise.combine(BinaryOperation.SUBTRACT, square, work, work);
                elementwise.apply(UnaryOperation.SQRT, work, work);
            } else {
                elementwise.apply(UnaryOperation.SQRT, square, work);
            }
            elementwise.affine(work, 1, options.eps, work);
            elementwise.combine(BinaryOperation.DIVIDE, gradient, work, work);
            double momentum = step.momentum().orElse(options.momentum);
            double rate = step.learningRate(parameter);
            if (momentum == 0) {
                elementwise.addScaled(-rate, work, value);
                return;
            }
            Tensor buffer = momenta.of(parameter);
            elementwise.addScaled(1, work, momentum, buffer);
            elementwise.addScaled(-rate, buffer, value);
        }
    }
}
