// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** A problem's samples in sessions. Its model stays open as long as this. */
final class Sessions implements AutoCloseable {

    private final Passes passes;
    private final Problem problem;
    private final List<Request<?>> requests;
    private final SessionOptions options;
    private final Model model;

    Sessions(Passes passes, Problem problem, List<Request<?>> requests, SessionOptions options) {
        this.passes = passes;
        this.problem = problem;
        this.requests = requests;
        this.options = options;
        this.model = model(passes, problem);
    }

    static Model model(Passes passes, Problem problem) {
        Shape[] shapes = problem.inputs().values().stream()
                .map(input -> Passes.shape(input).dropFirst(1))
                .toArray(Shape[]::new);
        Model model = passes.backpack().model(problem.model(), passes.setting().dtype(), shapes);
        problem.parameters().forEach((name, numbers) -> model.parameters().set(name, numbers.values()));
        return model;
    }

    Model model() {
        return model;
    }

    Session open() {
        BackPack backpack = passes.backpack();
        return backpack.session(model, requests, options);
    }

    /** Adds samples of the problem as one batch, under ids that are their numbers. */
    void add(Session session, int... samples) {
        try (Batch batch = batch(samples)) {
            session.add(batch);
        }
    }

    Batch batch(int... samples) {
        return passes.batch(
                problem.pick(samples), Arrays.stream(samples).asLongStream().toArray());
    }

    /** All results by name. */
    static SortedMap<String, double[]> results(Session session) {
        SortedMap<String, double[]> arrays = new TreeMap<>();
        try (Results results = session.results()) {
            results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
            assertThat(results.loss()).isEqualTo(arrays.get("loss")[0]);
        }
        return arrays;
    }

    /** Cuts samples into parts, of which none is empty. */
    static List<int[]> split(Random random, int[] samples) {
        List<int[]> parts = new ArrayList<>();
        for (int from = 0; from < samples.length; ) {
            int to = from + 1 + random.nextInt(samples.length - from);
            parts.add(Arrays.copyOfRange(samples, from, to));
            from = to;
        }
        return parts;
    }

    static int[] all(Problem problem) {
        return IntStream.range(0, problem.samples()).toArray();
    }

    @Override
    public void close() {
        model.close();
    }
}
