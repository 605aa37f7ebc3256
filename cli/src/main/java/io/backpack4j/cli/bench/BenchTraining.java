// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.PassPreparation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Steps of training on one batch, and updates alone, to be timed. The rate is 0, so that numbers stay what they are
 * while all arithmetic is done.
 */
final class BenchTraining implements AutoCloseable {

    private final BackPack backpack;
    private final Model model;
    private final Batch batch;
    private final List<Request<?>> requests;
    private final PassOptions options;
    private final OptimizerRun optimizer;
    private final List<String> parameters;
    private final Results kept;
    private long steps;

    BenchTraining(
            BackPack backpack,
            Model model,
            Batch batch,
            List<Request<?>> requests,
            PassOptions options,
            Optimizer optimizer) {
        this.backpack = backpack;
        this.model = model;
        this.batch = batch;
        this.requests = requests;
        this.options = options;
        this.parameters = model.parameters().trainable();
        this.optimizer =
                optimizer.start(new OptimizerSetup(backpack, model, options, parameters, Map.of(), Optional.empty()));
        this.kept = pass();
    }

    /** A pass with what the optimiser needs of it; plans of the same requests are made once. */
    private Results pass() {
        PassPreparation pass = new PassPreparation(steps++, 1, batch);
        requests.forEach(pass::request);
        optimizer.prepare(pass);
        return backpack.plan(model, batch, pass.requests(), options).run(batch);
    }

    /** A whole step: pass, look at the loss and whether gradients are finite, update. */
    Runnable step() {
        return () -> {
            try (Results results = pass()) {
                Map<String, Tensor> gradients = gradients(results);
                if (Double.isNaN(results.loss())
                        || !backpack.backend().reductions().allFinite(gradients.values())) {
                    throw new IllegalStateException("Numbers are not finite");
                }
                update(results, gradients);
            }
        };
    }

    /** The update of a step alone, after the very first pass. */
    Runnable update() {
        Map<String, Tensor> gradients = gradients(kept);
        return () -> update(kept, gradients);
    }

    private Map<String, Tensor> gradients(Results results) {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        parameters.forEach(parameter -> gradients.put(parameter, results.gradient(parameter)));
        return gradients;
    }

    /** Reading a number waits for backends that work in the background. */
    private void update(Results results, Map<String, Tensor> gradients) {
        Map<String, Double> rates = new LinkedHashMap<>();
        parameters.forEach(parameter -> rates.put(parameter, 0.0));
        optimizer.step(
                new OptimizerStep(Math.max(0, steps - 1), batch, results, 0, gradients, rates, OptionalDouble.empty()));
        model.parameters().get(parameters.get(0)).read(0, new double[1], 0, 1);
    }

    @Override
    public void close() {
        try (kept) {
            optimizer.close();
        }
    }
}
