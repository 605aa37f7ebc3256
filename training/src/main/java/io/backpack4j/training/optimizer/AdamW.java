// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.Arguments;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import java.util.List;

/**
 * Adam with decoupled weight decay, as {@code torch.optim.AdamW}: θ ← (1 − lr · weight_decay) · θ before Adam's update,
 * whose gradient has no decay in it.
 *
 * @param lr the learning rate
 * @param betas how much of m and of v is kept in a step
 * @param eps keeps the denominator from 0
 * @param weightDecay how strongly parameters shrink
 * @param amsgrad whether the largest v so far is used
 * @param maximize whether the loss is to become large
 */
public record AdamW(double lr, List<Double> betas, double eps, double weightDecay, boolean amsgrad, boolean maximize)
        implements Optimizer {

    private static final double WEIGHT_DECAY = 1e-2;

    public AdamW {
        betas = new Adam(lr, betas, eps, weightDecay, amsgrad, maximize).betas();
    }

    /** PyTorch's defaults, with a learning rate. */
    public AdamW(double lr) {
        this(new Adam(lr), WEIGHT_DECAY);
    }

    private AdamW(Adam adam, double weightDecay) {
        this(adam.lr(), adam.betas(), adam.eps(), weightDecay, adam.amsgrad(), adam.maximize());
    }

    static AdamW of(Arguments options) {
        Adam adam = Adam.of(options, WEIGHT_DECAY);
        return new AdamW(adam, adam.weightDecay());
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
        return new AdamRun(new Adam(lr, betas, eps, weightDecay, amsgrad, maximize), setup, true);
    }
}
