// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.Arguments;
import io.backpack4j.training.optimizer.Checks;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The number λ that is added to a curvature, and how it follows the ratio ρ of what steps brought to what the quadratic
 * model had promised; Levenberg and Marquardt, with the names of kfac-jax. Every {@code interval} steps, ρ below {@code
 * lower} divides λ by decay^interval, ρ above {@code upper} multiplies it by that.
 *
 * @param initial λ at first
 * @param adaptive whether it changes
 * @param interval after how many steps it does
 * @param decay per step, below 1
 * @param lower the ratio below which the model is trusted less
 * @param upper the ratio above which it is trusted more
 * @param min the least λ
 * @param max the largest
 */
public record Damping(
        double initial,
        boolean adaptive,
        int interval,
        double decay,
        double lower,
        double upper,
        double min,
        double max) {

    public Damping {
        Checks.atLeastZero("damping", initial);
        Checks.atLeastOne("damping_adaptation_interval", interval);
        Checks.require(
                decay > 0 && decay < 1,
                "Argument 'damping_adaptation_decay' of an optimiser is %s, but must be between 0 and 1."
                        .formatted(decay));
        Checks.require(
                lower < upper,
                "Argument 'damping_lower_threshold' of an optimiser is %s, but must be below 'damping_upper_threshold', which is %s."
                        .formatted(lower, upper));
        Checks.atLeastZero("min_damping", min);
        Checks.require(
                max >= min,
                "Argument 'max_damping' of an optimiser is %s, but must be at least 'min_damping', which is %s."
                        .formatted(max, min));
        Checks.require(
                !adaptive || initial > 0,
                "Argument 'damping' of an optimiser with use_adaptive_damping=true must be above 0: it is multiplied.");
    }

    /** A damping that stays. */
    public static Damping constant(double value) {
        return new Damping(value, false, 5, 0.9, 0.25, 0.75, 1e-8, Double.MAX_VALUE);
    }

    /** A damping that adapts every five steps, as kfac-jax has it. */
    public static Damping adaptive(double initial) {
        return new Damping(initial, true, 5, 0.9, 0.25, 0.75, 1e-8, Double.MAX_VALUE);
    }

    /**
     * A damping that adapts after every step by a factor of 2/3 or 3/2, as J. Martens (2010), "Deep learning via
     * Hessian-free optimization", has it.
     */
    public static Damping everyStep(double initial) {
        return new Damping(initial, true, 1, 2.0 / 3, 0.25, 0.75, 1e-8, Double.MAX_VALUE);
    }

    /** What {@link #of} makes the same of. */
    Map<String, Object> arguments() {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("damping", initial);
        arguments.put("use_adaptive_damping", adaptive);
        if (adaptive) {
            arguments.put("damping_adaptation_interval", interval);
            arguments.put("damping_adaptation_decay", decay);
            arguments.put("damping_lower_threshold", lower);
            arguments.put("damping_upper_threshold", upper);
            arguments.put("min_damping", min);
            arguments.put("max_damping", max);
        }
        return arguments;
    }

    static Damping of(Arguments options, Damping otherwise) {
        return new Damping(
                options.number("damping", otherwise.initial),
                options.flag("use_adaptive_damping", otherwise.adaptive),
                Options.count(options, "damping_adaptation_interval", otherwise.interval),
                options.number("damping_adaptation_decay", otherwise.decay),
                options.number("damping_lower_threshold", otherwise.lower),
                options.number("damping_upper_threshold", otherwise.upper),
                options.number("min_damping", otherwise.min),
                options.number("max_damping", otherwise.max));
    }
}
