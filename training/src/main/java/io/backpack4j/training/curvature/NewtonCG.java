// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.Arguments;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.optimizer.Checks;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Newton's method without matrices: solves (B + (η + λ)I) p = −(∇L + ηθ) by conjugate gradients with products of the
 * batch, θ ← θ + lr · p; J. Martens (2010), "Deep learning via Hessian-free optimization". The solver starts from what
 * is left of the last p.
 *
 * <p>With an adaptive damping, as is the default, λ follows the ratio of what a step brought to what the quadratic
 * model without damping promised, and a step that made the loss of its batch larger, or was to, is taken back. Then λ
 * grows, so that the next one is shorter: where the Hessian is indefinite, until it no longer is.
 *
 * @param matrix B
 * @param lr the learning rate
 * @param damping λ
 * @param weightDecay η
 * @param cgMaxIterations the most products of a step, those that begin and check the solution not counted
 * @param cgTolerance of the residual, relative to the gradient
 * @param warmStart what of the last p the solver starts from, from 0 to below 1
 */
public record NewtonCG(
        Matrix matrix,
        double lr,
        Damping damping,
        double weightDecay,
        int cgMaxIterations,
        double cgTolerance,
        double warmStart)
        implements Optimizer {

    public NewtonCG {
        Checks.atLeastZero("lr", lr);
        Checks.atLeastZero("weight_decay", weightDecay);
        Checks.atLeastOne("cg_max_iterations", cgMaxIterations);
        Checks.atLeastZero("cg_tolerance", cgTolerance);
        Checks.fraction("warm_start", warmStart);
    }

    /** With full steps, an adaptive damping of 1 at first, at most 50 products and a tolerance of 1e-4. */
    public NewtonCG(Matrix matrix) {
        this(matrix, 1, Damping.everyStep(1), 0, 50, 1e-4, 0.95);
    }

    static NewtonCG of(Arguments options) {
        NewtonCG otherwise = new NewtonCG(
                options.word("matrix", "ggn", "ggn", "hessian").equals("ggn") ? Matrix.GGN : Matrix.HESSIAN);
        return new NewtonCG(
                otherwise.matrix,
                options.number("lr", otherwise.lr),
                Damping.of(options, otherwise.damping),
                options.number("weight_decay", otherwise.weightDecay),
                Options.count(options, "cg_max_iterations", otherwise.cgMaxIterations),
                options.number("cg_tolerance", otherwise.cgTolerance),
                options.number("warm_start", otherwise.warmStart));
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("matrix", matrix.name().toLowerCase(Locale.ROOT));
        arguments.put("lr", lr);
        arguments.putAll(damping.arguments());
        arguments.put("weight_decay", weightDecay);
        arguments.put("cg_max_iterations", cgMaxIterations);
        arguments.put("cg_tolerance", cgTolerance);
        arguments.put("warm_start", warmStart);
        return arguments;
    }

    @Override
    public double learningRate() {
        return lr;
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        return new NewtonRun(this, setup);
    }
}
