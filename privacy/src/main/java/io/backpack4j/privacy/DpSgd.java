// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.privacy.accountant.Accountant;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerProvider;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Gives an optimiser noisy sums of clipped gradients: M. Abadi et al. (2016), "Deep learning with differential
 * privacy", algorithm 1. The sum of clipped gradients plus noise of deviation {@code noiseMultiplier} times the largest
 * norm that a sample can add, over the expected batch size (nothing for the reduction {@code sum}). Sampling amplifies
 * privacy only with {@link PoissonBatches}, which {@link io.backpack4j.training.Trainer#fit(DataSource)} takes for it;
 * any other batches count as if all samples were in each step, sampling rate 1.
 *
 * <pre>{@code
 * Optimizer optimizer = new DpSgd(new SGD(0.5), Clip.flat(1), 1.1, PrivacyBudget.of(3, 1e-5));
 * }</pre>
 *
 * @param optimizer what makes updates of the noisy gradients, and looks at nothing else
 * @param clip how gradients are clipped
 * @param noiseMultiplier σ; 0 for no noise and no privacy
 * @param budget what may be spent, and how it is counted
 * @param secure whether noise is drawn by {@link java.security.SecureRandom}. Else it is a function of the run's seed,
 *     which must stay secret then; runs can be repeated.
 * @param audit a file to which a line is added for every step; see {@link PrivacyAudit}
 */
public record DpSgd(
        Optimizer optimizer,
        Clip clip,
        double noiseMultiplier,
        PrivacyBudget budget,
        boolean secure,
        Optional<Path> audit)
        implements Optimizer {

    /**
     * Checks.
     *
     * @throws BackpackException if the noise is not possible, or none, though the budget is limited, or if the
     *     optimiser may look at the samples past the noise
     */
    public DpSgd {
        if (!(noiseMultiplier >= 0) || Double.isInfinite(noiseMultiplier)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "Argument 'noise_multiplier' is %s, but must be at least 0.".formatted(noiseMultiplier));
        }
        if (!optimizer.usesGradientsOnly()) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "DpSgd cannot work with %s, which may look at the samples themselves, past the noise. Take an optimizer that uses gradients only, such as SGD or Adam."
                            .formatted(optimizer.type()));
        }
        if (noiseMultiplier == 0 && budget.epsilon().isPresent()) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "Without noise, no ε holds, but the budget is %s. Take a noise_multiplier above 0."
                            .formatted(budget.epsilon().getAsDouble()));
        }
        if (noiseMultiplier > 0 && clip.adaptive().isPresent()) {
            clip.adaptive().get().noiseOfGradients(noiseMultiplier);
        }
    }

    /** With noise that follows from the run's seed. */
    public DpSgd(Optimizer optimizer, Clip clip, double noiseMultiplier, PrivacyBudget budget) {
        this(optimizer, clip, noiseMultiplier, budget, false, Optional.empty());
    }

    static DpSgd of(Arguments options, Catalog catalog) {
        double norm = options.number("max_norm");
        double noise = options.number("noise_multiplier");
        Clip clip = switch (options.word("clipping", "flat", "flat", "per_layer", "adaptive")) {
            case "per_layer" -> Clip.perLayer(norm);
            case "adaptive" -> new Clip(norm, ParameterGroups.ALL, Optional.of(adaptive(options)));
            default -> Clip.flat(norm);
        };
        OptionalDouble epsilon =
                options.has("epsilon") ? OptionalDouble.of(options.number("epsilon")) : OptionalDouble.empty();
        PrivacyBudget budget = new PrivacyBudget(
                Accountant.of(options.word("accountant", "prv", "prv", "rdp", "gdp")),
                options.number("delta", 1e-5),
                epsilon);
        boolean secure = options.flag("secure", false);
        Optional<Path> audit =
                options.has("audit") ? Optional.of(Path.of(String.valueOf(options.value("audit")))) : Optional.empty();
        return new DpSgd(inner(options, catalog), clip, noise, budget, secure, audit);
    }

    private static AdaptiveClipping adaptive(Arguments options) {
        return new AdaptiveClipping(
                options.number("target_unclipped", 0.5),
                options.number("clipping_rate", 0.2),
                options.number("count_noise"),
                options.number("min_norm", 1e-4),
                options.number("largest_norm", 1e4));
    }

    /** The optimiser that {@code optimizer=} names; it gets all options that were not asked for before. */
    private static Optimizer inner(Arguments options, Catalog catalog) {
        Object type = options.has("optimizer") ? options.value("optimizer") : "SGD";
        if (!(type instanceof String name)) {
            throw options.wrong("optimizer", "the name of an optimiser, such as SGD", type);
        }
        Map<String, @Nullable Object> own = new HashMap<>();
        for (String option : options.unasked()) {
            own.put(option, options.value(option));
        }
        Arguments arguments = new Arguments("optimizer " + name, own);
        Optimizer inner = catalog.service(OptimizerProvider.class, name).create(arguments, catalog);
        arguments.rejectUnknown();
        return inner;
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("optimizer", optimizer.type());
        arguments.putAll(optimizer.arguments());
        arguments.put("max_norm", clip.maxNorm());
        arguments.put("noise_multiplier", noiseMultiplier);
        arguments.put(
                "clipping",
                clip.adaptive().isPresent()
                        ? "adaptive"
                        : clip.groups().equals(ParameterGroups.LAYER) ? "per_layer" : "flat");
        arguments.put("delta", budget.delta());
        arguments.put("accountant", budget.accountant().name());
        budget.epsilon().ifPresent(epsilon -> arguments.put("epsilon", epsilon));
        arguments.put("secure", secure);
        return arguments;
    }

    @Override
    public double learningRate() {
        return optimizer.learningRate();
    }

    @Override
    public Batches batches(DataSource data, int batch, boolean shuffled, boolean dropsLast, long seed) {
        return new PoissonBatches(data, Math.min(1, batch / (double) data.samples()), seed);
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        BatchNorms.requireNone(setup);
        return new DpSgdRun(this, setup);
    }
}
