package io.backpack4j.cli.bench;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Steps of training on one batch, and updates alone, to be timed. The rate is 0, so that numbers stay what they are while all arithmetic is done. */
final class BenchTraining implements AutoCloseable {

    private final BackPack backpack;
    private final Model model;
    private final Batch batch;
    private final Plan plan;
    private final OptimizerRun optimizer;
    private final List<String> parameters;
    private final Results kept;

    BenchTraining(BackPack backpack, Model model, Batch batch, Plan plan, Optimizer optimizer) {
        this.backpack = backpack;
        this.model = model;
        this.batch = batch;
        this.plan = plan;
        this.parameters = model.parameters().trainable();
        this.kept = plan.run(batch);
        this.optimizer = optimizer.start(new OptimizerSetup(backpack, model, parameters, Map.of()));
    }

    /** A whole step: pass, look at the loss and whether gradients are finite, update. */
    Runnable step() {
        return () -> {
            try (Results results = plan.run(batch)) {
                Map<String, Tensor> gradients = gradients(results);
                if (Double.isNaN(results.loss())
                        || !backpack.backend().reductions().allFinite(gradients.values())) {
                    throw new IllegalStateException("Numbers are not finite");
                }
                update(results, gradients);
            }
        };
    }

    /** The update of a step alone. */
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
        optimizer.step(new OptimizerStep(0, batch, results, 0, gradients, rates, OptionalDouble.empty()));
        model.parameters().get(parameters.get(0)).read(0, new double[1], 0, 1);
    }

    @Override
    public void close() {
        try (kept) {
            optimizer.close();
        }
    }
}
