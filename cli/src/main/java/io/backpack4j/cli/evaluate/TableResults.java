// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.HostTensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a session over a table will have, known before any pass from the plans of one sample and of two: an axis that
 * differs is that of samples.
 *
 * @param types the tensors by name
 * @param perSample whether extensions make results with an entry per sample
 */
record TableResults(Map<String, Plan.ResultType> types, boolean perSample) {

    private static final String OUTPUT = "output";

    /** The unreduced losses, {@code [N]}. */
    static final String LOSSES = "loss_batch";

    private static final Set<String> ALWAYS = Set.of(OUTPUT, LOSSES);

    /**
     * Finds out.
     *
     * @param like some samples
     * @param samples how many there will be
     */
    static TableResults of(
            BackPack backpack,
            Model model,
            List<Request<?>> requests,
            PassOptions options,
            BatchData like,
            long samples) {
        Map<String, Plan.ResultType> one = planned(backpack, model, requests, options, like, 1);
        Map<String, Plan.ResultType> two = planned(backpack, model, requests, options, like, 2);
        SortedMap<String, Plan.ResultType> types = new TreeMap<>();
        boolean perSample = false;
        for (Map.Entry<String, Plan.ResultType> result : one.entrySet()) {
            String name = result.getKey();
            Shape small = result.getValue().shape();
            Shape large = Objects.requireNonNull(two.get(name)).shape();
            perSample |= !small.equals(large) && !ALWAYS.contains(name);
            types.put(name, new Plan.ResultType(result.getValue().dtype(), extended(small, large, samples)));
        }
        types.remove(OUTPUT);
        if (!perSample) {
            types.remove(LOSSES);
        }
        return new TableResults(types, perSample);
    }

    private static Shape extended(Shape one, Shape two, long samples) {
        Shape shape = one;
        for (int axis = 0; axis < one.rank(); axis++) {
            long growth = two.size(axis) - one.size(axis);
            shape = shape.with(axis, one.size(axis) + (samples - 1) * growth);
        }
        return shape;
    }

    private static Map<String, Plan.ResultType> planned(
            BackPack backpack,
            Model model,
            List<Request<?>> requests,
            PassOptions options,
            BatchData like,
            int samples) {
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        like.inputs().forEach((name, tensor) -> inputs.put(name, repeated(tensor, samples)));
        long[] ids = new long[samples];
        for (int i = 0; i < samples; i++) {
            ids[i] = i;
        }
        BatchData data = new BatchData(inputs, repeated(like.targets(), samples), ids);
        try (Batch batch = data.upload(backpack, model.dtype())) {
            return backpack.plan(model, batch, requests, options).results();
        }
    }

    /** The first sample several times. */
    private static HostTensor repeated(HostTensor tensor, int samples) {
        Shape shape = tensor.shape().with(0, samples);
        int elements = Math.toIntExact(shape.elements() / samples);
        if (tensor instanceof HostTensor.Longs longs) {
            long[] values = new long[samples * elements];
            for (int i = 0; i < values.length; i++) {
                values[i] = longs.values()[i % elements];
            }
            return new HostTensor.Longs(shape, values);
        }
        double[] values = new double[samples * elements];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.value(i % elements);
        }
        return new HostTensor.Doubles(shape, values);
    }
}
