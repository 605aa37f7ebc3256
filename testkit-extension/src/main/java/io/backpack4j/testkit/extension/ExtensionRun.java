// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.extension;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Passes over a network with numbers of single precision, the same for every type; a sample is known by its number. */
final class ExtensionRun {

    private static final long FIRST_VALUES = 7;

    private final BackPack backpack;
    private final NetworkCase network;
    private final Map<String, double[]> parameters = new TreeMap<>();

    /** What is done with a model and a batch that are closed afterwards. */
    interface Use<R> {

        R of(Model model, Batch batch);
    }

    ExtensionRun(BackPack backpack, NetworkCase network) {
        this.backpack = backpack;
        this.network = network;
        try (Model model = backpack.model(network.graph(), network.loss(), DType.FLOAT32, network.input())) {
            Parameters numbers = model.parameters();
            numbers.initialize(FIRST_VALUES);
            numbers.names()
                    .forEach(name -> parameters.put(name, numbers.get(name).toDoubleArray()));
        }
    }

    <R> R with(DType dtype, int[] samples, Use<R> use) {
        try (Model model = backpack.model(network.graph(), network.loss(), dtype, network.input());
                Batch batch = batch(dtype, samples)) {
            parameters.forEach(model.parameters()::set);
            return use.of(model, batch);
        }
    }

    Plan plan(Model model, Batch batch, List<Request<?>> requests, PassOptions options) {
        return backpack.plan(model, batch, requests, options);
    }

    Map<String, double[]> values(DType dtype, int[] samples, List<Request<?>> requests, PassOptions options) {
        return with(dtype, samples, (model, batch) -> {
            try (Results results = plan(model, batch, requests, options).run(batch)) {
                return read(results);
            }
        });
    }

    Map<String, ResultType> types(int[] samples, Request<?> request) {
        return with(
                DType.FLOAT64,
                samples,
                (model, batch) -> plan(model, batch, List.of(request), PassOptions.DEFAULT)
                        .results());
    }

    /** Whether a request fits the network. */
    boolean accepts(Request<?> request) {
        try {
            return !types(new int[] {0, 1, 2, 3, 4}, request).isEmpty();
        } catch (BackpackException e) {
            return false;
        }
    }

    static Map<String, double[]> read(Results results) {
        Map<String, double[]> values = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> values.put(name, tensor.toDoubleArray()));
        return values;
    }

    /** A batch of samples, in this order. */
    Batch batch(DType dtype, int[] samples) {
        int count = samples.length;
        int width = (int) network.input().elements();
        int wanted = (int) network.targets().elements();
        double[] inputs = new double[count * width];
        double[] targets = new double[count * wanted];
        for (int n = 0; n < count; n++) {
            Random random = Randomness.of(network + " sample " + samples[n]);
            for (int i = 0; i < width; i++) {
                inputs[n * width + i] = (float) random.nextGaussian();
            }
            for (int i = 0; i < wanted; i++) {
                targets[n * wanted + i] =
                        network.classes() > 0 ? random.nextInt(network.classes()) : random.nextFloat();
            }
        }
        BatchBuilder builder = backpack.batch(dtype)
                .input(Graph.INPUT, network.input().prepend(count), inputs)
                .sampleIds(IntStream.of(samples).asLongStream().toArray());
        Shape shape = network.targets().prepend(count);
        return (network.classes() > 0 ? builder.targets(shape, toLong(targets)) : builder.targets(shape, targets))
                .build();
    }

    private static long[] toLong(double[] values) {
        long[] result = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = (long) values[i];
        }
        return result;
    }
}
