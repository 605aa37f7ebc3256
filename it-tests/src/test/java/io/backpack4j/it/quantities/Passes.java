// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
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

    Setting setting() {
        return setting;
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
        return run(problem, Map.of(), requests, options);
    }

    /**
     * The same, with products.
     *
     * @param vectors what is multiplied, {@code [V, *p]} by parameter
     */
    SortedMap<String, double[]> run(
            Problem problem, Map<String, Numbers> vectors, List<Request<?>> requests, PassOptions options) {
        long[] ids = LongStream.range(0, problem.samples()).toArray();
        return run(problem, vectors, requests, options, 0, ids);
    }

    SortedMap<String, double[]> run(
            Problem problem, List<Request<?>> requests, PassOptions options, long seed, long... sampleIds) {
        return run(problem, Map.of(), requests, options, seed, sampleIds);
    }

    /** All results by name. Checks that they have the planned shapes, and that nothing stays open. */
    private SortedMap<String, double[]> run(
            Problem problem,
            Map<String, Numbers> vectors,
            List<Request<?>> requests,
            PassOptions options,
            long seed,
            long... sampleIds) {
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
                results.products()
                        .forEach((name, product) ->
                                arrays.put(name, multiply(product, vectors.get(name.substring(0, name.indexOf('/'))))));
            }
        }
        assertThat(backpack.backend().memory().openTensors()).as("open tensors").isZero();
        return arrays;
    }

    /** What is done with a model and a batch. */
    interface Use {
        void accept(Model model, Batch batch);
    }

    /** Uses a problem's model and batch. Checks that nothing stays open. */
    void withModel(Problem problem, Use use) {
        Shape[] shapes = problem.inputs().values().stream()
                .map(input -> shape(input).dropFirst(1))
                .toArray(Shape[]::new);
        long[] ids = LongStream.range(0, problem.samples()).toArray();
        try (Model model = backpack.model(problem.model(), setting.dtype(), shapes);
                Batch batch = batch(problem, ids)) {
            problem.parameters().forEach((name, numbers) -> model.parameters().set(name, numbers.values()));
            use.accept(model, batch);
        }
        assertThat(backpack.backend().memory().openTensors()).as("open tensors").isZero();
    }

    private double[] multiply(BlockProduct product, Numbers vectors) {
        try (TensorScope scope = backpack.backend().openScope()) {
            Tensor uploaded = backpack.backend().upload(scope, shape(vectors), setting.dtype(), vectors.values());
            Tensor multiplied = product.multiply(scope, uploaded);
            assertThat(multiplied.shape()).isEqualTo(uploaded.shape());
            assertThat(uploaded.toDoubleArray()).as("vectors afterwards").hasSameSizeAs(vectors.values());
            return multiplied.toDoubleArray();
        }
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

    Batch batch(Problem problem, long... sampleIds) {
        BatchBuilder builder = backpack.batch(setting.dtype()).sampleIds(sampleIds);
        Graph graph = backpack.catalog().graph(problem.model());
        problem.inputs().forEach((name, input) -> {
            if (holdsIntegers(graph, name)) {
                builder.input(name, shape(input), integers(input));
            } else {
                builder.input(name, shape(input), input.values());
            }
        });
        Numbers targets = problem.targets();
        if (areClasses(problem)) {
            return builder.targets(shape(targets), integers(targets)).build();
        }
        return builder.targets(shape(targets), targets.values()).build();
    }

    private static long[] integers(Numbers numbers) {
        return Arrays.stream(numbers.values()).mapToLong(Math::round).toArray();
    }

    private static boolean holdsIntegers(Graph graph, String input) {
        return graph.nodes().stream()
                .anyMatch(node -> IntStream.range(0, node.inputs().size())
                        .anyMatch(i -> node.inputs().get(i).equals(input)
                                && node.module().takesIntegers(i, node.inputs().size())));
    }

    /** Probabilities of classes are not all whole numbers. */
    private static boolean areClasses(Problem problem) {
        return List.of("CrossEntropyLoss", "NLLLoss")
                        .contains(problem.model().loss().type())
                && Arrays.stream(problem.targets().values()).allMatch(value -> value == Math.rint(value));
    }

    static Shape shape(Numbers numbers) {
        return Shape.of(IntStream.of(numbers.shape()).asLongStream().toArray());
    }

    @Override
    public void close() {
        backpack.close();
    }
}
