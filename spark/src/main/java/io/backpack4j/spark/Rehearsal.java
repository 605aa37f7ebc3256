// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Passes over a few made-up samples on the driver, before a job starts: they show what fits and how large it is. */
final class Rehearsal {

    private static final int FEW = 2;
    private static final int MORE = 3;
    private static final int SEVERAL = 16;

    private final BackPack backpack;
    private final Model model;
    private final SampleForm form;

    Rehearsal(BackPack backpack, Model model, SampleForm form) {
        this.backpack = backpack;
        this.model = model;
        this.form = form;
    }

    private BatchArrays samples(int count, long firstId) {
        BatchArrays samples = new BatchArrays(form, count);
        Random random = new Random(0);
        for (int i = 0; i < form.inputs().size(); i++) {
            if (samples.input(i) instanceof float[] floats) {
                for (int j = 0; j < floats.length; j++) {
                    floats[j] = (float) random.nextGaussian();
                }
            } else if (samples.input(i) instanceof double[] doubles) {
                Arrays.setAll(doubles, j -> random.nextGaussian());
            }
        }
        for (int i = 0; i < count; i++) {
            samples.added(firstId + i, null);
        }
        return samples;
    }

    /** Made-up samples may give numbers that are not finite. */
    private static SessionOptions lenient(SessionOptions options) {
        return options.pass(options.pass().nan(NanPolicy.IGNORE));
    }

    /**
     * The size of a session's state.
     *
     * @throws BackpackException with everything asked for that does not fit
     */
    long stateBytes(List<Request<?>> requests, SessionOptions options) {
        try (Session session = backpack.session(model, requests, lenient(options));
                Batch batch = samples(1, 0).batch(backpack, 0, 1)) {
            session.add(batch);
            return session.state().bytes();
        }
    }

    /** Whether results depend on the samples' ids: then something is drawn. */
    boolean draws(List<Request<?>> requests, SessionOptions options) {
        return !numbers(requests, options, 0).equals(numbers(requests, options, SEVERAL));
    }

    private Map<String, List<Double>> numbers(List<Request<?>> requests, SessionOptions options, long firstId) {
        Map<String, List<Double>> numbers = new TreeMap<>();
        try (Session session = backpack.session(model, requests, lenient(options));
                Batch batch = samples(SEVERAL, firstId).batch(backpack, 0, SEVERAL)) {
            session.add(batch);
            try (Results results = session.results()) {
                results.tensors()
                        .forEach((name, tensor) -> numbers.put(
                                name,
                                Arrays.stream(tensor.toDoubleArray()).boxed().toList()));
            }
        }
        return numbers;
    }

    /**
     * The columns of results per sample.
     *
     * @param options of a session that hands them over
     * @param id the name of the column of ids
     * @param text whether ids are texts
     */
    SampleResults sampleResults(List<Request<?>> requests, SessionOptions options, String id, boolean text) {
        Map<String, DType> dtypes = new TreeMap<>();
        Map<String, Shape> few = shapes(requests, options, FEW, dtypes);
        return SampleResults.of(id, text, few, shapes(requests, options, MORE, dtypes), dtypes);
    }

    private Map<String, Shape> shapes(
            List<Request<?>> requests, SessionOptions options, int count, Map<String, DType> dtypes) {
        Map<String, Shape> shapes = new TreeMap<>();
        try (Session session = backpack.session(model, requests, lenient(options.perSample(PerSample.HAND_OVER)));
                Batch batch = samples(count, 0).batch(backpack, 0, count)) {
            session.add(
                    batch,
                    RunOperands.NONE,
                    results -> results.tensors().forEach((name, tensor) -> {
                        shapes.put(name, tensor.shape());
                        dtypes.put(name, tensor.dtype());
                    }));
        }
        return shapes;
    }
}
