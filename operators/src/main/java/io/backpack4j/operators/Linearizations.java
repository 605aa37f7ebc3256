// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A model at one batch, linearised as long as this is open, or at several, each linearised anew at every visit. */
final class Linearizations implements AutoCloseable {

    private final Objective objective;
    private final Linearizer linearizer;
    private final List<CurvatureMatrix> matrices;
    private final List<Shape> outputs = new ArrayList<>();
    private final double[] weights;
    private final ParameterLayout layout;
    private @Nullable Linearization kept;
    private boolean closed;

    /** Work at every batch. */
    @FunctionalInterface
    interface Visit {
        /**
         * Called once for every batch, in order.
         *
         * @param batch its number
         * @param weight the factor c of all samples divided by that of the batch; 1 if there is no matrix
         */
        void at(int batch, Linearization linearization, double weight);
    }

    Linearizations(Objective objective, List<CurvatureMatrix> matrices) {
        this.objective = objective;
        this.linearizer = objective.linearizer();
        this.matrices = matrices;
        List<Batch> batches = objective.batches();
        double[] normalisers = new double[batches.size()];
        ParameterLayout first = null;
        for (int b = 0; b < normalisers.length; b++) {
            Linearization linearization = linearizer.linearize(batches.get(b), matrices);
            try {
                if (first == null) {
                    first = layout(linearization);
                }
                outputs.add(linearization.outputShape());
                normalisers[b] = linearization.normaliser();
                if (normalisers.length == 1) {
                    kept = linearization;
                }
            } finally {
                if (kept == null) {
                    linearization.close();
                }
            }
        }
        if (first == null) {
            throw new IllegalStateException("An objective has a batch.");
        }
        this.layout = first;
        this.weights = weights(normalisers);
    }

    Backend backend() {
        return objective.backend();
    }

    DType dtype() {
        return layout.dtype();
    }

    ParameterLayout layout() {
        return layout;
    }

    /** The shapes {@code [N, *out]} of the network's outputs, batch by batch. */
    List<Shape> outputs() {
        return outputs;
    }

    void forEach(Visit visit) {
        if (closed) {
            throw new BackpackException(OperatorProblems.CLOSED_OPERATOR, "An operator was used after it was closed.");
        }
        if (kept != null) {
            visit.at(0, kept, 1);
            return;
        }
        for (int b = 0; b < weights.length; b++) {
            try (Linearization linearization =
                    linearizer.linearize(objective.batches().get(b), matrices)) {
                visit.at(b, linearization, weights[b]);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        if (kept != null) {
            kept.close();
            kept = null;
        }
    }

    private ParameterLayout layout(Linearization linearization) {
        return ParameterLayout.of(objective.backend(), linearization.dtype(), linearization.parameters())
                .only(objective.patterns());
    }

    private double[] weights(double[] normalisers) {
        double[] weights = new double[normalisers.length];
        Arrays.fill(weights, 1);
        if (weights.length == 1 || matrices.isEmpty()) {
            return weights;
        }
        double all = objective.loss().normaliserOfAll(normalisers);
        for (int b = 0; b < weights.length; b++) {
            weights[b] = all / normalisers[b];
        }
        return weights;
    }
}
