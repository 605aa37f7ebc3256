// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.optimizer.Checks;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Natural gradients with moving averages of Kronecker factors, or of any other curvature; J. Martens, R. Grosse (2015),
 * "Optimizing Neural Networks with Kronecker-factored Approximate Curvature", with the names of kfac-jax. With g = ∇L +
 * ηθ and Δ = −(B̄ + λI)⁻¹ g, the inverse being of its last update: v ← momentum · v + min(1, √(norm_constraint / Σ lr²
 * gᵀ(−Δ))) · lr · Δ, θ ← θ + v. The damping in the inverse is λ + η.
 *
 * <p>Factors are asked for in those passes only in which they are due. With an adaptive damping, the ratio is that of
 * the loss's change by v to what the quadratic model of the same batch, with the exact Gauss-Newton matrix and without
 * damping, promised.
 *
 * @param curvature whose blocks are averaged
 * @param lr the learning rate
 * @param momentum what is kept of the last update
 * @param weightDecay η
 * @param damping λ
 * @param curvatureEma what averages keep at an update
 * @param curvatureUpdatePeriod every how many steps factors are updated
 * @param inverseUpdatePeriod every how many steps inverses are made
 * @param normConstraint the greatest lr² gᵀB⁻¹g of an update before momentum, if limited
 * @param numBurninSteps how many steps, at first, only update factors
 */
public record KFAC(
        CurvatureExtension<?> curvature,
        double lr,
        double momentum,
        double weightDecay,
        Damping damping,
        double curvatureEma,
        int curvatureUpdatePeriod,
        int inverseUpdatePeriod,
        OptionalDouble normConstraint,
        int numBurninSteps)
        implements Optimizer {

    public KFAC {
        Checks.atLeastZero("lr", lr);
        Checks.atLeastZero("momentum", momentum);
        Checks.atLeastZero("weight_decay", weightDecay);
        Checks.fraction("curvature_ema", curvatureEma);
        Checks.atLeastOne("curvature_update_period", curvatureUpdatePeriod);
        Checks.atLeastOne("inverse_update_period", inverseUpdatePeriod);
        Checks.atLeastZero("num_burnin_steps", numBurninSteps);
        normConstraint.ifPresent(most -> Checks.require(
                most > 0,
                "Argument 'norm_constraint' of an optimiser is %s, but must be above 0. Leave it out to have none."
                        .formatted(most)));
    }

    /**
     * With a momentum of 0.9, averages that keep 0.95, factors of every step and inverses of every fifth.
     *
     * @param damping constant
     */
    public KFAC(CurvatureExtension<?> curvature, double lr, double damping) {
        this(curvature, lr, 0.9, 0, Damping.constant(damping), 0.95, 1, 5, OptionalDouble.empty(), 0);
    }

    /** With another momentum. */
    public KFAC momentum(double value) {
        return new KFAC(
                curvature,
                lr,
                value,
                weightDecay,
                damping,
                curvatureEma,
                curvatureUpdatePeriod,
                inverseUpdatePeriod,
                normConstraint,
                numBurninSteps);
    }

    /** With weight decay. */
    public KFAC weightDecay(double value) {
        return new KFAC(
                curvature,
                lr,
                momentum,
                value,
                damping,
                curvatureEma,
                curvatureUpdatePeriod,
                inverseUpdatePeriod,
                normConstraint,
                numBurninSteps);
    }

    /** With another damping. */
    public KFAC damping(Damping value) {
        return new KFAC(
                curvature,
                lr,
                momentum,
                weightDecay,
                value,
                curvatureEma,
                curvatureUpdatePeriod,
                inverseUpdatePeriod,
                normConstraint,
                numBurninSteps);
    }

    /** With other periods, in steps, and burn-in. */
    public KFAC periods(int ofCurvature, int ofInverses, int burnin) {
        return new KFAC(
                curvature,
                lr,
                momentum,
                weightDecay,
                damping,
                curvatureEma,
                ofCurvature,
                ofInverses,
                normConstraint,
                burnin);
    }

    /** With a limit of updates. */
    public KFAC normConstraint(double most) {
        return new KFAC(
                curvature,
                lr,
                momentum,
                weightDecay,
                damping,
                curvatureEma,
                curvatureUpdatePeriod,
                inverseUpdatePeriod,
                OptionalDouble.of(most),
                numBurninSteps);
    }

    static KFAC of(Arguments options, Catalog catalog) {
        double lr = options.number("lr", 0.1);
        double momentum = options.number("momentum", 0.9);
        double weightDecay = options.number("weight_decay", 0);
        Damping damping = Damping.of(options, Damping.constant(0.01));
        double ema = options.number("curvature_ema", 0.95);
        int factors = Options.count(options, "curvature_update_period", 1);
        int inverses = Options.count(options, "inverse_update_period", 5);
        OptionalDouble constraint = Options.optional(options, "norm_constraint");
        int burnin = Options.count(options, "num_burnin_steps", 0);
        return new KFAC(
                Options.curvature(options, catalog, "KFAC"),
                lr,
                momentum,
                weightDecay,
                damping,
                ema,
                factors,
                inverses,
                constraint,
                burnin);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = Options.arguments(curvature);
        arguments.put("lr", lr);
        arguments.put("momentum", momentum);
        arguments.put("weight_decay", weightDecay);
        arguments.putAll(damping.arguments());
        arguments.put("curvature_ema", curvatureEma);
        arguments.put("curvature_update_period", curvatureUpdatePeriod);
        arguments.put("inverse_update_period", inverseUpdatePeriod);
        arguments.put("norm_constraint", normConstraint.isPresent() ? normConstraint.getAsDouble() : null);
        arguments.put("num_burnin_steps", numBurninSteps);
        return arguments;
    }

    @Override
    public double learningRate() {
        return lr;
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        return new KfacRun(this, setup);
    }
}
