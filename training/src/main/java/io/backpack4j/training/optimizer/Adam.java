// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.Arguments;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import java.util.List;

/**
 * Adam, as {@code torch.optim.Adam}: θ ← θ − lr · m̂ / (√v̂ + eps) with moving averages m of gradients and v of their
 * squares, corrected for their start at 0.
 *
 * @param lr the learning rate
 * @param betas how much of m and of v is kept in a step
 * @param eps keeps the denominator from 0
 * @param weightDecay times θ is added to the gradient
 * @param amsgrad whether the largest v so far is used
 * @param maximize whether the loss is to become large
 */
public record Adam(double lr, List<Double> betas, double eps, double weightDecay, boolean amsgrad, boolean maximize)
        implements Optimizer {

    private static final List<Double> BETAS = List.of(0.9, 0.999);
    private static final double EPSILON = 1e-8;

    public Adam {
        betas = List.copyOf(betas);
        Checks.atLeastZero("lr", lr);
        Checks.betas(betas);
        Checks.atLeastZero("eps", eps);
        Checks.atLeastZero("weight_decay", weightDecay);
    }

    /** PyTorch's defaults, with a learning rate. */
    public Adam(double lr) {
        this(lr, BETAS, EPSILON, 0, false, false);
    }

    static Adam of(Arguments options) {
        return of(options, 0);
    }

    static Adam of(Arguments options, double weightDecay) {
        return new Adam(
                options.number("lr", 1e-3),
                Checks.betas(options, BETAS),
                options.number("eps", EPSILON),
                options.number("weight_decay", weightDecay),
                options.flag("amsgrad", false),
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
        return new AdamRun(this, setup, false);
    }
}
