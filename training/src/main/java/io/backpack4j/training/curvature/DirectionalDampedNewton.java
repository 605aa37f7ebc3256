// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.State;
import io.backpack4j.training.optimizer.Checks;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Newton steps in the space of the leading eigenvectors of the batch's Gauss-Newton matrix, each direction with a
 * damping of its own: θ ← θ + lr Σ_k −γ̄_k / (λ_k + δ_k) e_k; F. Dangel, L. Tatzel, P. Hennig (2022), "ViViT: Curvature
 * access through the generalized Gauss-Newton's low-rank structure", section 4. An extension makes the step in the
 * gradient's own pass, which takes the batch as a whole.
 *
 * @param step the extension whose results are added: all trained parameters need one. In Java it is made with any
 *     damping, a function of eigenvalues, slopes and curvatures included
 * @param lr the learning rate
 * @param options of the extension, as they were given by name; empty for one that was made in Java
 */
public record DirectionalDampedNewton(TensorExtension step, double lr, Map<String, @Nullable Object> options)
        implements Optimizer {

    private static final String EXTENSION = "DirectionalDampedNewton";

    /** How many directions are taken unless somebody says which. */
    private static final long DIRECTIONS = 10;

    public DirectionalDampedNewton {
        Checks.atLeastZero("lr", lr);
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    }

    /** With an extension that was made in Java. */
    public DirectionalDampedNewton(TensorExtension step, double lr) {
        this(step, lr, Map.of());
    }

    /**
     * Takes the extension's options beside {@code lr}. Directions of no curvature are left out unless somebody says
     * something else.
     */
    static DirectionalDampedNewton of(Arguments options, Catalog catalog) {
        double lr = options.number("lr", 1);
        Map<String, @Nullable Object> own = new HashMap<>();
        for (String option : options.unasked()) {
            own.put(option, options.value(option));
        }
        if (!own.containsKey("keep") && !own.containsKey("threshold")) {
            own.putIfAbsent("top", DIRECTIONS);
        }
        own.putIfAbsent("drop", true);
        return new DirectionalDampedNewton((TensorExtension) catalog.extension(EXTENSION, own), lr, own);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>(options);
        arguments.put("lr", lr);
        return arguments;
    }

    @Override
    public double learningRate() {
        return lr;
    }

    @Override
    public OptimizerRun start(OptimizerSetup setup) {
        return new Run(step, setup);
    }

    private record Run(TensorExtension extension, OptimizerSetup setup) implements OptimizerRun {

        @Override
        public void prepare(PassPreparation pass) {
            pass.request(Request.of(extension).only(setup.parameters().toArray(String[]::new)));
        }

        @Override
        public void step(OptimizerStep step) {
            // All before any: a step that is missing leaves the model as it was.
            Map<String, Tensor> updates = new LinkedHashMap<>();
            for (String parameter : setup.parameters()) {
                updates.put(parameter, step.results().get(extension, parameter));
            }
            Elementwise elementwise = setup.backend().elementwise();
            updates.forEach((parameter, update) ->
                    elementwise.addScaled(step.learningRate(parameter), update, setup.parameter(parameter)));
        }

        /** Nothing is remembered: the next step depends on its own batch. */
        @Override
        public void save(State state) {}

        @Override
        public void load(State state) {}

        @Override
        public void close() {}
    }
}
