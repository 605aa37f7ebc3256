// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.Loss;
import java.util.List;

/**
 * What operators are derivatives of: a model's loss over batches, as a function of some of its trained parameters.
 * Several batches count as one: the loss is reduced over all their samples. Give them different sample ids if draws are
 * to differ. Immutable; refers to the model and the batches, which the caller closes after the operators, and whose
 * numbers must not change while operators are used.
 */
public final class Objective {

    private final Backend backend;
    private final Loss loss;
    private final Source source;
    private final List<Batch> batches;
    private final List<String> patterns;
    private final PassOptions options;
    private final long seed;

    /** Linearises with options and a seed. */
    @FunctionalInterface
    interface Source {
        Linearizer with(PassOptions options, long seed);
    }

    Objective(
            Backend backend,
            Loss loss,
            Source source,
            List<Batch> batches,
            List<String> patterns,
            PassOptions options,
            long seed) {
        if (batches.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT, "An objective needs a batch, but none was given.");
        }
        this.backend = backend;
        this.loss = loss;
        this.source = source;
        this.batches = List.copyOf(batches);
        this.patterns = List.copyOf(patterns);
        this.options = options;
        this.seed = seed;
    }

    /**
     * The loss of a model over batches, as a function of all its trained parameters.
     *
     * @param batches at least one; one is linearised once, several anew for every product
     */
    public static Objective of(BackPack backpack, Model model, Batch... batches) {
        return new Objective(
                backpack.backend(),
                model.loss(),
                (options, seed) -> (batch, matrices) -> backpack.linearize(model, batch, matrices, options, seed),
                List.of(batches),
                List.of("*"),
                PassOptions.DEFAULT,
                0);
    }

    /**
     * Of some parameters only: operators have their rows and columns, and no others.
     *
     * @param parameters names or patterns, {@code *} standing for anything, such as {@code 0.*}; each must match a
     *     trained parameter
     */
    public Objective only(String... parameters) {
        return new Objective(backend, loss, source, batches, List.of(parameters), options, seed);
    }

    /**
     * With another seed of Monte-Carlo draws; 0 if not set. Equal seeds and sample ids draw equal targets in every
     * product.
     */
    public Objective seed(long value) {
        return new Objective(backend, loss, source, batches, patterns, options, value);
    }

    /** With limits of memory, chunks and blocks for the passes over each batch. */
    public Objective options(PassOptions value) {
        return new Objective(backend, loss, source, batches, patterns, value, seed);
    }

    Backend backend() {
        return backend;
    }

    Loss loss() {
        return loss;
    }

    List<Batch> batches() {
        return batches;
    }

    List<String> patterns() {
        return patterns;
    }

    Linearizer linearizer() {
        return source.with(options, seed);
    }
}
