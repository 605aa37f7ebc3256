// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What holds for every extension, whatever it computes. A test of extensions extends this class and says which; whether
 * the numbers are right is for its own tests. Passes are those of the kernel, with the plugins and the backend of
 * {@link #open}.
 */
public abstract class ExtensionContract {

    private static final int SAMPLES = 5;
    private static final int[] ORDER = {3, 0, 4, 1, 2};
    private static final double EXACT = 1e-9;

    private @Nullable BackPack opened;

    /** Loads the library; the contract closes it. What is on the class path unless overridden. */
    protected BackPack open() {
        return BackPack.create();
    }

    /** The extensions, from the catalogue or made here. */
    protected abstract List<? extends Extension<?>> extensions(Catalog catalog);

    /**
     * The networks that each is tested with: small ones of {@code Linear} and others that the catalogue must name,
     * unless overridden.
     */
    protected List<NetworkCase> networks(Catalog catalog) {
        Graph chain = Graph.sequential(
                module(catalog, "Linear", Map.of("in_features", 3, "out_features", 4)),
                module(catalog, "Tanh", Map.of()),
                module(catalog, "Linear", Map.of("in_features", 4, "out_features", 2)));
        Graph shared = Graph.sequential(
                module(catalog, "Linear", Map.of("in_features", 3, "out_features", 4)),
                module(catalog, "Sigmoid", Map.of()),
                module(catalog, "Flatten", Map.of()),
                module(catalog, "Linear", Map.of("in_features", 8, "out_features", 3, "bias", false)));
        return List.of(
                NetworkCase.real(
                        "a chain with a sum of squares",
                        chain,
                        catalog.loss(new LossDescription("MSELoss", Map.of("reduction", "sum"))),
                        Shape.of(3),
                        Shape.of(2)),
                NetworkCase.classes(
                        "a layer at two positions with a mean cross-entropy",
                        shared,
                        catalog.loss(new LossDescription("CrossEntropyLoss", Map.of())),
                        Shape.of(2, 3),
                        3));
    }

    /** Whether results depend on positions in the batch, so that they change with the order of samples. */
    protected boolean dependsOnOrder(Extension<?> extension) {
        return false;
    }

    /** How close results in single precision come to those in double precision, relative to the largest. */
    protected double singlePrecision() {
        return 1e-3;
    }

    private static Module module(Catalog catalog, String type, Map<String, ?> arguments) {
        return catalog.module("a network of the contract (" + type + ")", type, arguments);
    }

    @BeforeEach
    final void openLibrary() {
        opened = open();
    }

    @AfterEach
    final void closeLibrary() {
        if (opened != null) {
            opened.close();
        }
    }

    private BackPack library() {
        if (opened == null) {
            throw new IllegalStateException("The library is not open");
        }
        return opened;
    }

    /** A test of an extension with a network. */
    private interface Check {

        void accept(ExtensionRun run, Request<?> request);
    }

    private Stream<DynamicTest> each(Check check) {
        BackPack library = library();
        return extensions(library.catalog()).stream()
                .flatMap(extension -> networks(library.catalog()).stream()
                        .map(network -> dynamicTest(extension + " of " + network, () -> {
                            long before = library.backend().memory().openTensors();
                            check.accept(new ExtensionRun(library, network), Request.of(extension));
                            assertThat(library.backend().memory().openTensors())
                                    .as("tensors left open")
                                    .isEqualTo(before);
                        })));
    }

    @TestFactory
    final Stream<DynamicTest> plansTellWhatComesOut() {
        return each((run, request) -> {
            for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
                run.with(dtype, positions(SAMPLES), (model, batch) -> {
                    Plan plan = run.plan(model, batch, List.of(request), PassOptions.DEFAULT);
                    try (Results results = plan.run(batch)) {
                        Map<String, ResultType> actual = new TreeMap<>();
                        results.tensors()
                                .forEach((name, tensor) ->
                                        actual.put(name, new ResultType(tensor.dtype(), tensor.shape())));
                        assertThat(actual).isEqualTo(new TreeMap<>(plan.results()));
                        assertThat(own(actual, request)).as("own results").isNotEmpty();
                    }
                    return batch;
                });
            }
        });
    }

    private static List<String> own(Map<String, ?> results, Request<?> request) {
        return results.keySet().stream()
                .filter(name -> name.endsWith("/" + request.name()) || name.contains("/" + request.name() + "/"))
                .toList();
    }

    @TestFactory
    final Stream<DynamicTest> chunksAndBlocksChangeNothing() {
        return each((run, request) -> {
            Map<String, double[]> whole =
                    run.values(DType.FLOAT64, positions(SAMPLES), List.of(request), PassOptions.DEFAULT);
            for (int chunk : new int[] {1, 2, SAMPLES}) {
                for (int block : new int[] {1, 2}) {
                    PassOptions options = PassOptions.DEFAULT.chunk(chunk).block(block);
                    Map<String, double[]> parts;
                    try {
                        parts = run.values(DType.FLOAT64, positions(SAMPLES), List.of(request), options);
                    } catch (BackpackException e) {
                        assertThat(e.problems())
                                .as("a refusal of chunks of %d and blocks of %d", chunk, block)
                                .extracting(Problem::id)
                                .containsOnly(CommonProblems.NOT_MERGEABLE);
                        continue;
                    }
                    assertClose("chunks of %d, blocks of %d".formatted(chunk, block), parts, whole, EXACT);
                }
            }
        });
    }

    @TestFactory
    final Stream<DynamicTest> resultsFollowTheSamples() {
        return each((run, request) -> {
            if (dependsOnOrder(request.extension())) {
                return;
            }
            Map<String, ResultType> types = run.types(positions(SAMPLES), request);
            Map<String, ResultType> more = run.types(positions(SAMPLES + 1), request);
            Map<String, double[]> expected = new TreeMap<>();
            run.values(DType.FLOAT64, positions(SAMPLES), List.of(request), PassOptions.DEFAULT)
                    .forEach((name, values) ->
                            expected.put(name, reordered(values, shape(types, name), shape(more, name))));
            Map<String, double[]> actual = run.values(DType.FLOAT64, ORDER, List.of(request), PassOptions.DEFAULT);
            assertClose("other order", actual, expected, EXACT);
        });
    }

    private static Shape shape(Map<String, ResultType> types, String name) {
        return Objects.requireNonNull(types.get(name), name).shape();
    }

    /**
     * The values in the other order along all axes that grow with the number of samples. An axis of k·N is one of k
     * times N.
     */
    private static double[] reordered(double[] values, Shape shape, Shape ofMore) {
        assertThat(ofMore.rank()).as("axes of a result").isEqualTo(shape.rank());
        double[] result = values;
        for (int axis = 0; axis < shape.rank(); axis++) {
            if (shape.size(axis) != ofMore.size(axis)) {
                result = reordered(result, (int) shape.elements(axis + 1, shape.rank()));
            }
        }
        return result;
    }

    private static double[] reordered(double[] values, int inner) {
        double[] result = new double[values.length];
        int group = SAMPLES * inner;
        for (int start = 0; start < values.length; start += group) {
            for (int n = 0; n < SAMPLES; n++) {
                System.arraycopy(values, start + ORDER[n] * inner, result, start + n * inner, inner);
            }
        }
        return result;
    }

    @TestFactory
    final Stream<DynamicTest> otherExtensionsChangeNothing() {
        return each((run, request) -> {
            List<Request<?>> together = new ArrayList<>();
            together.add(request);
            for (Extension<?> other : others(request.extension())) {
                Request<?> renamed = Request.of(other).as("other" + together.size());
                if (run.accepts(renamed)) {
                    together.add(renamed);
                }
            }
            Map<String, double[]> alone =
                    run.values(DType.FLOAT64, positions(SAMPLES), List.of(request), PassOptions.DEFAULT);
            Map<String, double[]> actual = run.values(DType.FLOAT64, positions(SAMPLES), together, PassOptions.DEFAULT);
            actual.keySet().retainAll(alone.keySet());
            assertClose("with others", actual, alone, EXACT);
        });
    }

    /** What else the subclass tests, and what the catalogue makes without options. */
    private List<Extension<?>> others(Extension<?> extension) {
        Catalog catalog = library().catalog();
        List<Extension<?>> others = new ArrayList<>(extensions(catalog));
        for (String type : catalog.extensionTypes()) {
            try {
                others.add(catalog.extension(type, Map.of()));
            } catch (BackpackException e) {
                // It has an option without a default.
                assertThat(e.problems()).isNotEmpty();
            }
        }
        return others.stream().distinct().filter(it -> !it.equals(extension)).toList();
    }

    @TestFactory
    final Stream<DynamicTest> computesInSinglePrecision() {
        return each((run, request) -> assertClose(
                "single precision",
                run.values(DType.FLOAT32, positions(SAMPLES), List.of(request), PassOptions.DEFAULT),
                run.values(DType.FLOAT64, positions(SAMPLES), List.of(request), PassOptions.DEFAULT),
                singlePrecision()));
    }

    @TestFactory
    final Stream<DynamicTest> resultsOutliveThePass() {
        return each((run, request) -> {
            Map<String, double[]> early = new TreeMap<>();
            try (Results results = run.with(DType.FLOAT64, positions(SAMPLES), (model, batch) -> {
                Plan plan = run.plan(model, batch, List.of(request), PassOptions.DEFAULT);
                Results first = plan.run(batch);
                early.putAll(ExtensionRun.read(first));
                try (Batch other = run.batch(DType.FLOAT64, ORDER);
                        Results second = plan.run(other);
                        Results again = plan.run(batch)) {
                    assertThat(second.tensors()).hasSameSizeAs(early);
                    assertClose("again", ExtensionRun.read(again), early, EXACT);
                }
                return first;
            })) {
                // The model and the batch are closed.
                assertClose("later", ExtensionRun.read(results), early, 0);
            }
        });
    }

    private static int[] positions(int samples) {
        return IntStream.range(0, samples).toArray();
    }

    private static void assertClose(
            String what, Map<String, double[]> actual, Map<String, double[]> expected, double tolerance) {
        assertThat(actual.keySet()).as(what).isEqualTo(expected.keySet());
        expected.forEach((name, values) ->
                Numbers.assertClose(what + ": " + name, Objects.requireNonNull(actual.get(name)), values, tolerance));
    }
}
