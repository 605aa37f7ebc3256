package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Runs passes of one loaded library. */
final class Passes implements AutoCloseable {

    private static final List<String> FIRST_ORDER = List.of("BatchGrad", "BatchL2Grad", "SumGradSquared", "Variance");

    private final Setting setting;
    private final BackPack backpack;

    Passes(Setting setting) {
        this(setting, 2);
    }

    Passes(Setting setting, int threads) {
        this(setting, setting.open(threads));
    }

    /** Passes of a library that was opened in another way. */
    Passes(Setting setting, BackPack backpack) {
        this.setting = setting;
        this.backpack = backpack;
    }

    BackPack backpack() {
        return backpack;
    }

    /** Asks for an extension. */
    Request<?> request(String type, Map<String, Object> options) {
        return backpack.catalog().request(type, options);
    }

    /** Asks for all first-order extensions. */
    List<Request<?>> firstOrder() {
        return FIRST_ORDER.stream()
                .<Request<?>>map(type -> request(type, Map.of()))
                .toList();
    }

    /** The first-order quantities of a problem. */
    SortedMap<String, double[]> firstOrder(Problem problem, PassOptions options) {
        return run(problem, firstOrder(), options);
    }

    SortedMap<String, double[]> run(Problem problem, List<Request<?>> requests, PassOptions options) {
        return run(
                problem,
                requests,
                options,
                0,
                LongStream.range(0, problem.samples()).toArray());
    }

    /** All results by name. Checks that they have the planned shapes, and that nothing stays open. */
    SortedMap<String, double[]> run(
            Problem problem, List<Request<?>> requests, PassOptions options, long seed, long... sampleIds) {
        SortedMap<String, double[]> arrays = new TreeMap<>();
        Shape[] shapes = problem.inputs().values().stream()
                .map(input -> shape(input).dropFirst(1))
                .toArray(Shape[]::new);
        try (Model model = backpack.model(problem.model(), setting.dtype(), shapes);
                Batch batch = batch(problem, sampleIds)) {
            problem.parameters().forEach((name, numbers) -> model.parameters().set(name, numbers.values()));
            assertThat(model.parameters().trainable()).containsExactlyInAnyOrderElementsOf(problem.trained());
            Plan plan = backpack.plan(model, batch, requests, options);
            try (Results results = plan.run(batch, seed)) {
                results.tensors().forEach((name, tensor) -> {
                    assertThat(plan.results()).containsEntry(name, new Plan.ResultType(tensor.dtype(), tensor.shape()));
                    arrays.put(name, tensor.toDoubleArray());
                });
            }
        }
        assertThat(backpack.backend().memory().openTensors()).as("open tensors").isZero();
        return arrays;
    }

    /** The most memory that the plan expects, in bytes. */
    long peak(Problem problem, List<Request<?>> requests, PassOptions options) {
        Shape[] shapes = problem.inputs().values().stream()
                .map(input -> shape(input).dropFirst(1))
                .toArray(Shape[]::new);
        try (Model model = backpack.model(problem.model(), setting.dtype(), shapes);
                Batch batch =
                        batch(problem, LongStream.range(0, problem.samples()).toArray())) {
            return backpack.plan(model, batch, requests, options).peakBytes();
        }
    }

    private Batch batch(Problem problem, long... sampleIds) {
        BatchBuilder builder = backpack.batch(setting.dtype()).sampleIds(sampleIds);
        problem.inputs().forEach((name, input) -> builder.input(name, shape(input), input.values()));
        Numbers targets = problem.targets();
        if (problem.model().loss().type().equals("CrossEntropyLoss")) {
            long[] classes =
                    Arrays.stream(targets.values()).mapToLong(Math::round).toArray();
            return builder.targets(shape(targets), classes).build();
        }
        return builder.targets(shape(targets), targets.values()).build();
    }

    static Shape shape(Numbers numbers) {
        return Shape.of(IntStream.of(numbers.shape()).asLongStream().toArray());
    }

    @Override
    public void close() {
        backpack.close();
    }
}
