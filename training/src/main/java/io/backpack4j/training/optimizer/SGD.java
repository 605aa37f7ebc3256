// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.MomentumStep;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.LinearUpdate;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Stochastic gradient descent, as {@code torch.optim.SGD}: g ← ±∇L + weight_decay · θ; b ← momentum · b + (1 −
 * dampening) · g, b ← g at first; θ ← θ − lr · b, or θ ← θ − lr · (g + momentum · b) with Nesterov's momentum.
 *
 * @param lr the learning rate
 * @param momentum what is kept of the last update
 * @param dampening what is taken off a gradient on its way into the momentum
 * @param weightDecay how strongly parameters are drawn to zero
 * @param nesterov whether the momentum looks ahead; needs a momentum and no dampening
 * @param maximize whether the loss is to become large
 */
public record SGD(double lr, double momentum, double dampening, double weightDecay, boolean nesterov, boolean maximize)
        implements Optimizer {

    public SGD {
        Checks.atLeastZero("lr", lr);
        Checks.atLeastZero("momentum", momentum);
        Checks.atLeastZero("weight_decay", weightDecay);
        Checks.require(
                !nesterov || (momentum > 0 && dampening == 0),
                "SGD with nesterov=true needs a momentum above 0 and no dampening, but has momentum=%s and dampening=%s."
                        .formatted(momentum, dampening));
    }

    /** Gradient descent without momentum. */
    public SGD(double lr) {
        this(lr, 0);
    }

    /** Gradient descent with momentum. */
    public SGD(double lr, double momentum) {
        this(lr, momentum, 0, 0, false, false);
    }

    static SGD of(Arguments options) {
        return new SGD(
                options.number("lr", 1e-3),
                options.number("momentum", 0),
                options.number("dampening", 0),
                options.number("weight_decay", 0),
                options.flag("nesterov", false),
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

        private final SGD options;
        private final Slots momenta;

        Run(SGD options, OptimizerSetup setup) {
            super(setup, options.weightDecay, options.maximize);
            this.options = options;
            this.momenta = slots("momentum_buffer");
        }

        @Override
        public Optional<LinearUpdate> plan(Map<String, Double> rates, OptionalDouble cycled, TensorScope scope) {
            if (options.maximize || rates.values().stream().distinct().count() != 1) {
                return Optional.empty();
            }
            double rate = rates.values().iterator().next();
            double momentum = cycled.orElse(options.momentum);
            double kept = momentum == 0 || count() == 1 ? 1 : 1 - options.dampening;
            double ofGradient = options.nesterov && momentum != 0 ? 1 + momentum : kept;
            double ofBuffer = options.nesterov ? momentum * momentum : momentum;
            Map<String, Tensor> rest = new LinkedHashMap<>();
            for (String parameter : setup.parameters()) {
                double decay = setup.weightDecay(parameter, options.weightDecay);
                if (momentum == 0 && decay == 0) {
                    continue;
                }
                Tensor value = setup.parameter(parameter);
                Tensor own = scope.allocate(value.shape(), value.dtype());
                elementwise.affine(value, -rate * ofGradient * decay, 0, own);
                elementwise.addScaled(-rate * ofBuffer, momenta.of(parameter), own);
                rest.put(parameter, own);
            }
            return Optional.of(new LinearUpdate(rate * ofGradient, rest));
        }

        @Override
        void update(String parameter, Tensor value, Tensor gradient, OptimizerStep step, TensorScope temporary) {
            double momentum = step.momentum().orElse(options.momentum);
            double rate = step.learningRate(parameter);
            double decay = decay(parameter);
            if (momentum == 0) {
                elementwise.addScaled(-rate * sign(), gradient, 1 - rate * decay, value);
                return;
            }
            boolean first = count() == 1;
            elementwise.momentum(
                    gradient,
                    momenta.of(parameter),
                    value,
                    new MomentumStep(
                            sign(),
                            decay,
                            first ? 0 : momentum,
                            first ? 1 : 1 - options.dampening,
                            options.nesterov ? rate : 0,
                            options.nesterov ? rate * momentum : rate));
        }
    }
}
