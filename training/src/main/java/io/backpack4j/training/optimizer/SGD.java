package io.backpack4j.training.optimizer;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.State;

/**
 * Stochastic gradient descent, as {@code torch.optim.SGD}: g ← ±∇L + weight_decay · θ; b ← momentum · b + (1 − dampening) · g, b ← g at first; θ ← θ − lr · b, or
 * θ ← θ − lr · (g + momentum · b) with Nesterov's momentum.
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
    public double learningRate() {
        return lr;
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        return new Run(this, setup);
    }

    private static final class Run implements OptimizerRun {

        private final SGD options;
        private final OptimizerSetup setup;
        private final Elementwise elementwise;
        private final TensorScope scope;
        private final Slots momenta;
        private boolean hasMomenta;

        Run(SGD options, OptimizerSetup setup) {
            this.options = options;
            this.setup = setup;
            this.elementwise = setup.backend().elementwise();
            this.scope = setup.backend().openScope();
            this.momenta = new Slots("momentum_buffer", setup, scope);
        }

        @Override
        public void step(OptimizerStep step) {
            double momentum = step.momentum().orElse(options.momentum);
            for (String parameter : setup.parameters()) {
                update(parameter, step, momentum);
            }
            hasMomenta |= momentum != 0;
        }

        private void update(String parameter, OptimizerStep step, double momentum) {
            Tensor value = setup.parameter(parameter);
            Tensor gradient = step.gradient(parameter);
            double rate = step.learningRate(parameter);
            double decay = setup.weightDecay(parameter, options.weightDecay);
            double sign = options.maximize ? -1 : 1;
            try (TensorScope temporary = setup.backend().openScope()) {
                if (decay != 0 || options.maximize) {
                    Tensor direction = temporary.allocate(value.shape(), value.dtype());
                    elementwise.affine(gradient, sign, 0, direction);
                    elementwise.addScaled(decay, value, direction);
                    gradient = direction;
                }
                if (momentum == 0) {
                    elementwise.addScaled(-rate, gradient, value);
                    return;
                }
                Tensor buffer = momenta.of(parameter);
                if (hasMomenta) {
                    elementwise.affine(buffer, momentum, 0, buffer);
                    elementwise.addScaled(1 - options.dampening, gradient, buffer);
                } else {
                    elementwise.copy(gradient, buffer);
                }
                if (options.nesterov) {
                    elementwise.addScaled(-rate, gradient, value);
                    elementwise.addScaled(-rate * momentum, buffer, value);
                } else {
                    elementwise.addScaled(-rate, buffer, value);
                }
            }
        }

        @Override
        public void save(State state) {
            state.put("started", hasMomenta ? 1L : 0L);
            if (hasMomenta) {
                momenta.save(state);
            }
        }

        @Override
        public void load(State state) {
            hasMomenta = state.integer("started") == 1;
            if (hasMomenta) {
                momenta.load(state);
            }
        }

        @Override
        public void close() {
            scope.close();
        }
    }
}
