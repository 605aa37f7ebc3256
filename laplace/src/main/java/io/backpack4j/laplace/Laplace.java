// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.NamePatterns;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.training.data.DataSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Fits Gaussian posteriors around a trained network's parameters θ: precision P = s · H + δ I, with H the generalised
 * Gauss-Newton matrix of the loss summed over all data, s 1 for classification and 1/(2σ²) for squared errors, δ the
 * prior precision. The network is taken in {@link Mode#EVAL}, and the model's own reduction does not matter.
 *
 * <pre>{@code
 * Posterior posterior = Laplace.builder(backpack, model)
 *         .structure(Structure.KRON)
 *         .fit(data)
 *         .withOptimizedPriorPrecision();
 * Predictive predictive = posterior.predict(inputs);
 * }</pre>
 */
public final class Laplace {

    private static final int BATCH = 256;
    private static final int RANK = 100;

    private final BackPack backpack;
    private final Model model;
    private Structure structure = Structure.KRON;
    private List<String> patterns = List.of("*");
    private boolean lastLayer;
    private int batch = BATCH;
    private int rank = RANK;
    private PassOptions pass = PassOptions.DEFAULT;

    private Laplace(BackPack backpack, Model model) {
        this.backpack = backpack;
        this.model = model;
    }

    /** Starts with Kronecker factors of all parameters. */
    public static Laplace builder(BackPack backpack, Model model) {
        return new Laplace(backpack, model);
    }

    /** Sets the form of the precision. */
    public Laplace structure(Structure form) {
        structure = form;
        return this;
    }

    /** Takes all other parameters than those of the last node that has trained ones as certain. */
    public Laplace lastLayer() {
        lastLayer = true;
        return this;
    }

    /**
     * Takes other parameters as certain.
     *
     * @param names patterns of the parameters' names, {@code *} standing for anything
     */
    public Laplace parameters(String... names) {
        patterns = List.of(names);
        lastLayer = false;
        return this;
    }

    /** Sets how many samples are taken at a time; 256 if not set. The result does not depend on it. */
    public Laplace batch(int samples) {
        batch = positive("batch size", samples);
        return this;
    }

    /**
     * Sets how many eigenvectors {@link Structure#LOW_RANK} keeps; 100 if not set. Where the matrix has more, batches
     * are folded in one by one, and what is cut off may depend on them.
     */
    public Laplace rank(int vectors) {
        rank = positive("rank", vectors);
        return this;
    }

    /** Sets options of the passes, such as a memory budget; the mode stays {@link Mode#EVAL}. */
    public Laplace pass(PassOptions options) {
        pass = options;
        return this;
    }

    private static int positive(String what, int value) {
        if (value < 1) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE, "The %s is %d, but must be at least 1.".formatted(what, value));
        }
        return value;
    }

    /**
     * Goes once through the data. The model and the library are the caller's, and must stay open and unchanged as long
     * as the posterior predicts. Prior precision and σ are 1 at first.
     *
     * @throws BackpackException if the loss is no negative log-likelihood, a pattern matches nothing, there are no
     *     samples, or a full matrix would be too large
     */
    public Posterior fit(DataSource data) {
        Likelihood likelihood = Likelihood.of(backpack, model);
        List<String> names = lastLayer ? ofLastLayer() : matching();
        if (data.samples() < 1) {
            throw new BackpackException(LaplaceProblems.INVALID_LAPLACE, "There are no samples. Fit to at least one.");
        }
        try (Model summed = likelihood.summed(backpack, model)) {
            CurvatureFit fit = new CurvatureFit(backpack, summed, data, names, batch, pass.mode(Mode.EVAL));
            CurvatureFit.Fitted fitted = fit.of(structure, rank);
            FittedModel about = FittedModel.of(model, structure, likelihood, names, data.samples(), fitted.loss());
            return new Posterior(backpack, model, about, fitted.curvature(), 1, 1);
        }
    }

    private List<String> ofLastLayer() {
        List<String> trainable = requireSome(model.parameters().trainable());
        String last = trainable.get(trainable.size() - 1);
        String prefix = last.substring(0, last.lastIndexOf('.') + 1);
        return trainable.stream().filter(name -> name.startsWith(prefix)).toList();
    }

    private List<String> matching() {
        List<String> trainable = requireSome(model.parameters().trainable());
        List<String> unused = new ArrayList<>();
        for (String pattern : patterns) {
            if (trainable.stream().noneMatch(name -> NamePatterns.matches(pattern, name))) {
                unused.add(pattern);
            }
        }
        if (!unused.isEmpty() || patterns.isEmpty()) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "No trained parameter matches %s. There are: %s.".formatted(unused, trainable));
        }
        return trainable.stream()
                .filter(name -> patterns.stream().anyMatch(pattern -> NamePatterns.matches(pattern, name)))
                .toList();
    }

    private static List<String> requireSome(List<String> trainable) {
        if (trainable.isEmpty()) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE, "The model has no trained parameters, so nothing is uncertain.");
        }
        return trainable;
    }
}
