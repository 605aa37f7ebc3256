// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** Small networks and batches, and all that a pass can compute for them. */
final class Nets {

    static final int CLASSES = 3;
    static final Shape IMAGE = Shape.of(1, 6, 6);

    static final List<Request<?>> REQUESTS = List.of(
            Request.of(new BatchGrad()),
            Request.of(new BatchL2Grad()),
            Request.of(new SumGradSquared()),
            Request.of(new Variance()),
            Request.of(new DiagGGNExact()),
            Request.of(new DiagGGNMC(2)),
            Request.of(new DiagHessian()),
            Request.of(new KFAC()));

    private Nets() {}

    static Graph perceptron(int hidden) {
        return Graph.sequential(new Flatten(), new Linear(36, hidden), new Sigmoid(), new Linear(hidden, CLASSES));
    }

    static Graph convolutions(int channels) {
        return Graph.sequential(
                Conv.of(2, 1, channels, 3).withPadding(1),
                new ReLU(),
                MaxPool.of(2, 2),
                Conv.of(2, channels, 4, 2),
                new Sigmoid(),
                new Flatten(),
                new Linear(16, CLASSES));
    }

    static Batch batch(BackPack backpack, DType dtype, int samples, long seed) {
        return batch(backpack, dtype, samples, seed, 0);
    }

    /** A batch whose samples have ids of their own. */
    static Batch batch(BackPack backpack, DType dtype, int samples, long seed, long firstId) {
        Random random = new Random(seed);
        double[] inputs = new double[samples * (int) IMAGE.elements()];
        long[] labels = new long[samples];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = random.nextGaussian();
        }
        for (int n = 0; n < samples; n++) {
            labels[n] = random.nextInt(CLASSES);
        }
        return backpack.batch(dtype)
                .input(Graph.INPUT, IMAGE.prepend(samples), inputs)
                .targets(Shape.of(samples), labels)
                .sampleIds(LongStream.range(firstId, firstId + samples).toArray())
                .build();
    }

    static Map<String, double[]> results(Plan plan, Batch batch, RunOptions options) {
        Map<String, double[]> arrays = new TreeMap<>();
        try (Results results = plan.run(batch, options)) {
            results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        }
        return arrays;
    }
}
