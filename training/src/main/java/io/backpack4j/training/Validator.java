// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.Prefetcher;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Predicts held-out data: forward only, in {@link Mode#EVAL}. The loss is that of all of it, as if it were one batch.
 */
final class Validator {

    private final BackPack backpack;
    private final Model model;
    private final PassOptions options;
    private final List<Metric> metrics;

    Validator(BackPack backpack, Model model, PassOptions options, List<Metric> metrics) {
        this.backpack = backpack;
        this.model = model;
        this.options = options.mode(Mode.EVAL);
        this.metrics = metrics;
    }

    /** {@code valid_loss} and {@code valid_<metric>}. */
    Map<String, Double> validate(Batches batches) {
        Scores scores = new Scores("valid_", metrics);
        int count = Math.toIntExact(batches.perEpoch());
        double[] factors = new double[count];
        double[] sums = new double[count];
        try (Prefetcher prefetcher = new Prefetcher(batches, 1, 0, 1)) {
            for (int i = 0; i < count; i++) {
                add(prefetcher.next(), scores, factors, sums, i);
            }
        }
        double factor = count == 1 ? factors[0] : model.loss().normaliserOfAll(factors);
        double total = 0;
        for (double sum : sums) {
            total += sum;
        }
        scores.addLoss(factor * total, 1);
        Map<String, Double> values = new LinkedHashMap<>();
        scores.putInto(values);
        return values;
    }

    private void add(BatchData data, Scores scores, double[] factors, double[] sums, int at) {
        Backend backend = backpack.backend();
        try (Batch batch = data.upload(backpack, model.dtype());
                Prediction prediction = backpack.predict(model, batch, options, RunOptions.seed(0));
                TensorScope scope = backend.openScope()) {
            Tensor output = prediction.output();
            Loss loss = model.loss();
            loss.validate(
                    output.shape(), batch.targets().shape(), batch.targets().dtype());
            loss.validateValues(output.shape(), batch.targets());
            factors[at] = loss.normaliser(output.shape(), batch.targets());
            var context = new Context(backend, scope, data.ids(), new RandomKey(0, 0, 0));
            for (double value : loss.evaluate(context, output, batch.targets(), factors[at])
                    .values()
                    .toDoubleArray()) {
                sums[at] += value;
            }
            if (scores.needsOutputs()) {
                scores.add(output.shape(), output.toDoubleArray(), data.targets());
            }
        }
    }

    private record Context(Backend backend, TensorScope scope, long[] sampleIds, RandomKey randomKey)
            implements EvaluationContext {}
}
