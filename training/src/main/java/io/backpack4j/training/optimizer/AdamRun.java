// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.backend.AdamStep;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import org.jspecify.annotations.Nullable;

/** Kingma and Ba, Adam: a method for stochastic optimization, algorithm 1, in the form of PyTorch. */
final class AdamRun extends ElementwiseRun {

    private final double firstBeta;
    private final double secondBeta;
    private final double epsilon;
    private final boolean decouplesDecay;
    private final Slots means;
    private final Slots squares;
    private final @Nullable Slots largest;

    AdamRun(Adam options, OptimizerSetup setup, boolean decouplesDecay) {
        super(setup, options.weightDecay(), options.maximize());
        this.firstBeta = options.betas().get(0);
        this.secondBeta = options.betas().get(1);
        this.epsilon = options.eps();
        this.decouplesDecay = decouplesDecay;
        this.means = slots("exp_avg");
        this.squares = slots("exp_avg_sq");
        this.largest = options.amsgrad() ? slots("max_exp_avg_sq") : null;
    }

    @Override
    void update(String parameter, Tensor value, Tensor ofLoss, OptimizerStep step, TensorScope temporary) {
        double decay = decay(parameter);
        Tensor gradient = direction(value, ofLoss, decouplesDecay ? 0 : decay, temporary);
        if (decouplesDecay && decay != 0) {
            elementwise.affine(value, 1 - step.learningRate(parameter) * decay, 0, value);
        }
        double beta = step.momentum().orElse(firstBeta);
        Tensor mean = means.of(parameter);
        Tensor square = squares.of(parameter);
        double rate = step.learningRate(parameter) / (1 - Math.pow(beta, count()));
        double scale = 1 / Math.sqrt(1 - Math.pow(secondBeta, count()));
        if (largest == null) {
            elementwise.adam(gradient, mean, square, value, new AdamStep(beta, secondBeta, rate, scale, epsilon));
            return;
        }
        Tensor most = largest.of(parameter);
        Tensor work = temporary.allocate(value.shape(), value.dtype());
        elementwise.addScaled(1 - beta, gradient, beta, mean);
        elementwise.apply(UnaryOperation.SQUARE, gradient, work);
        elementwise.addScaled(1 - secondBeta, work, secondBeta, square);
        elementwise.combine(BinaryOperation.MAXIMUM, most, square, most);
        elementwise.apply(UnaryOperation.SQRT, most, work);
        elementwise.affine(work, scale, epsilon, work);
        elementwise.combine(BinaryOperation.DIVIDE, mean, work, work);
        elementwise.addScaled(-rate, work, value);
    }
}
