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
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What a session over a table will have, known before any pass from the plans of one sample and of two: an axis that
 * differs is that of samples.
 *
 * @param types the tensors by name
 * @param axes the axis of samples of those that have one, if extensions make results with an entry per sample
 * @param bySample whether every sample's entries depend on it alone, so that parts of a batch have parts of them
 */
record TableResults(Map<String, Plan.ResultType> types, Map<String, Integer> axes, boolean bySample) {

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
        Types all = Types.of(backpack, model, requests, options, like);
        SortedMap<String, Plan.ResultType> types = all.of(samples);
        SortedMap<String, Integer> axes = all.axes();
        types.remove(OUTPUT);
        if (axes.isEmpty()) {
            types.remove(LOSSES);
        } else {
            axes.put(LOSSES, 0);
        }
        boolean bySample = requests.stream()
                .filter(request -> !request.extension().resultRule().isPerSample())
                .allMatch(request -> Types.of(backpack, model, List.of(request), options, like)
                        .axes()
                        .isEmpty());
        return new TableResults(types, axes, bySample);
    }

    /** The same with one more result that has an entry per sample, along its first axis. */
    TableResults with(String name, Plan.ResultType type) {
        SortedMap<String, Plan.ResultType> more = new TreeMap<>(types);
        SortedMap<String, Integer> moreAxes = new TreeMap<>(axes);
        more.put(name, type);
        moreAxes.put(name, 0);
        return new TableResults(more, moreAxes, bySample);
    }

    /** Whether extensions make results with an entry per sample. */
    boolean perSample() {
        return !axes.isEmpty();
    }

    /** The results of one sample, and of two. */
    private record Types(Map<String, Plan.ResultType> one, Map<String, Plan.ResultType> two) {

        static Types of(
                BackPack backpack, Model model, List<Request<?>> requests, PassOptions options, BatchData like) {
            return new Types(
                    planned(backpack, model, requests, options, like, 1),
                    planned(backpack, model, requests, options, like, 2));
        }

        SortedMap<String, Plan.ResultType> of(long samples) {
            SortedMap<String, Plan.ResultType> types = new TreeMap<>();
            one.forEach((name, type) ->
                    types.put(name, new Plan.ResultType(type.dtype(), extended(type.shape(), ofTwo(name), samples))));
            return types;
        }

        /** The axis of samples of what extensions make. */
        SortedMap<String, Integer> axes() {
            SortedMap<String, Integer> axes = new TreeMap<>();
            one.forEach((name, type) -> axis(type.shape(), ofTwo(name)).ifPresent(axis -> axes.put(name, axis)));
            axes.keySet().removeAll(ALWAYS);
            return axes;
        }

        private Shape ofTwo(String name) {
            return Objects.requireNonNull(two.get(name)).shape();
        }
    }

    private static OptionalInt axis(Shape one, Shape two) {
        return IntStream.range(0, one.rank())
                .filter(axis -> one.size(axis) != two.size(axis))
                .findFirst();
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
