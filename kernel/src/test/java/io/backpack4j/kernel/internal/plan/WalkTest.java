// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.linearization.NetworkProducts;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.kernel.internal.pass.PassRun;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The walk back of whole passes over a network that is worked out by hand, without plugins. */
class WalkTest {

    private static final int SAMPLES = 3;
    private static final double[] FIRST = {0.5, -2};
    private static final double[] LAST = {3, 0.25};
    private static final double[] INPUTS = {1, 2, -3, 0.5, 0.25, -1};

    /** A contraction's result, as it is. */
    private record Contracted(String resultName, Signal signal, Contraction contraction, MergeRule resultRule)
            implements TensorExtension {

        @Override
        public void declare(int stage, SiteDeclaration site) {
            site.accumulate("it", signal, contraction);
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.tensor("it");
        }
    }

    private static final Request<?> GRADIENTS = Request.of(
            new Contracted("each", new LossGradient(), new Contraction.PerSample(), MergeRule.PER_COLUMN_AND_SAMPLE));
    private static final Request<?> CURVATURE = Request.of(new Contracted(
            "curvature", new ResidualCurvature(), new Contraction.SumOfSquares(), MergeRule.NOT_MERGEABLE));

    private static double input(int n, int j) {
        return INPUTS[n * 2 + j];
    }

    private static Map<String, double[]> run(
            Splitting splitting, boolean handsOver, ResultTaker taker, Request<?>... requests) {
        return run(new ToyNetwork.Total(), splitting, handsOver, taker, PassObserver.NONE, requests);
    }

    private static Map<String, double[]> run(
            Loss loss,
            Splitting splitting,
            boolean handsOver,
            ResultTaker taker,
            PassObserver observer,
            Request<?>... requests) {
        Graph graph = Graph.sequential(new ToyNetwork.Scale(), new ToyNetwork.Square(), new ToyNetwork.Scale());
        BoundGraph bound = BoundGraph.bind(graph, List.of(Shape.of(2)), (owner, type, arguments) -> {
            throw new IllegalStateException("no compositions: " + type);
        });
        Problems problems = new Problems();
        PassLayout layout = LayoutBuilder.build(bound, loss, DType.FLOAT64, SAMPLES, List.of(requests), problems);
        problems.throwIfAny();
        try (HeapBackend backend = new HeapBackend()) {
            Map<String, double[]> numbers = new TreeMap<>();
            try (TensorScope scope = backend.openScope()) {
                Tensor inputs = backend.upload(scope, Shape.of(SAMPLES, 2), DType.FLOAT64, INPUTS);
                Tensor targets = backend.upload(scope, Shape.of(SAMPLES), DType.FLOAT64, new double[SAMPLES]);
                Map<String, Tensor> parameters = Map.of(
                        "0.weight", backend.upload(scope, Shape.of(2), DType.FLOAT64, FIRST),
                        "2.weight", backend.upload(scope, Shape.of(2), DType.FLOAT64, LAST));
                PassInputs given = new PassInputs(
                                Map.of(Graph.INPUT, inputs), targets, new long[] {0, 1, 2}, parameters::get, 0)
                        .watchedBy(observer);
                PassLayout walked = handsOver ? layout.handingOver() : layout;
                try (PassResults results =
                        PassRun.run(walked, splitting, backend, given, NetworkProducts.FACTORY, taker)) {
                    results.tensors().forEach((name, tensor) -> numbers.put(name, tensor.toDoubleArray()));
                }
            }
            assertThat(backend.memory().openTensors()).as("what stayed open").isZero();
            return numbers;
        }
    }

    private static final ResultTaker NOBODY = (name, whole, origin, part) -> {
        throw new IllegalStateException("Nothing leaves: " + name);
    };

    @ParameterizedTest
    @CsvSource({"3, 9", "2, 9", "1, 1"})
    void gradients_and_the_curvature_of_a_node_are_those_by_hand(long chunk, long block) {
        Map<String, double[]> results = run(new Splitting(chunk, block), false, NOBODY, GRADIENTS, CURVATURE);

        for (int j = 0; j < 2; j++) {
            double ofFirst = 0;
            double ofLast = 0;
            double curvature = 0;
            for (int n = 0; n < SAMPLES; n++) {
                double first = 2 * LAST[j] * FIRST[j] * input(n, j) * input(n, j);
                double last = Math.pow(FIRST[j] * input(n, j), 2);
                assertThat(results.get("0.weight/each")[n * 2 + j]).isCloseTo(first, within(1e-14));
                assertThat(results.get("2.weight/each")[n * 2 + j]).isCloseTo(last, within(1e-14));
                ofFirst += first;
                ofLast += last;
                curvature += 2 * LAST[j] * input(n, j) * input(n, j);
            }
            assertThat(results.get("0.weight/grad")[j]).isCloseTo(ofFirst, within(1e-13));
            assertThat(results.get("2.weight/grad")[j]).isCloseTo(ofLast, within(1e-13));
            assertThat(results.get("0.weight/curvature")[j]).isCloseTo(curvature, within(1e-13));
            assertThat(results.get("2.weight/curvature")[j])
                    .as("above the node with curvature")
                    .isZero();
        }
    }

    @Test
    void parts_that_leave_cover_a_result_and_are_not_among_those_that_stay() {
        double[] whole = new double[SAMPLES * 2];
        List<Long> origins = new ArrayList<>();
        ResultTaker taker = (name, shape, origin, part) -> {
            assertThat(shape).isEqualTo(Shape.of(1, SAMPLES, 2));
            if (name.equals("0.weight/each")) {
                origins.add(origin[1]);
                double[] numbers = part.toDoubleArray();
                System.arraycopy(numbers, 0, whole, (int) origin[1] * 2, numbers.length);
            }
        };

        Map<String, double[]> results = run(new Splitting(2, 9), true, taker, GRADIENTS);

        assertThat(origins).containsExactly(0L, 2L);
        assertThat(results).doesNotContainKeys("0.weight/each", "2.weight/each").containsKey("0.weight/grad");
        double[] expected = run(new Splitting(3, 9), false, NOBODY, GRADIENTS).get("0.weight/each");
        assertThat(whole).containsExactly(expected);
    }

    private static final int COLUMNS = 5;
    private static final LossHessianRoot ROOT = new LossHessianRoot();

    /** All columns with all, and gradients with all columns. */
    private record Grams(String resultName) implements TensorExtension {

        @Override
        public void declare(int stage, SiteDeclaration site) {
            site.accumulate("root", ROOT, ROOT, new CrossInnerProducts(false));
            site.accumulate("mixed", new LossGradient(), ROOT, new CrossInnerProducts(false));
        }

        @Override
        public MergeRule resultRule() {
            return MergeRule.NOT_MERGEABLE;
        }

        @Override
        public Tensor finish(SitePartial partial) {
            // The mixed products, as one more row of samples.
            Tensor root = partial.tensor("root");
            Tensor mixed = partial.tensor("mixed");
            long rows = root.shape().size(0) + mixed.shape().size(0);
            Tensor both = partial.scope().allocate(Shape.of(rows, root.shape().size(1)), root.dtype());
            double[] numbers = DoubleStream.concat(
                            DoubleStream.of(root.toDoubleArray()), DoubleStream.of(mixed.toDoubleArray()))
                    .toArray();
            both.write(0, numbers, 0, numbers.length);
            return both;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "5, 0, 0",
        "1, 0, 15",
        "1, 1, 14",
        "1, 2, 8",
        "1, 3, 7",
        "1, 4, 5",
        "1, 1000, 5",
        "2, 0, 6",
        "2, 1, 5",
        "2, 2, 3",
        "3, 0, 3",
        "3, 1, 2"
    })
    void columns_meet_in_blocks_however_many_of_these_are_kept(long block, long kept, long walks) {
        Request<?> columns =
                Request.of(new Contracted("columns", ROOT, new Contraction.PerSample(), MergeRule.NOT_MERGEABLE));
        StepCounter counter = new StepCounter(() -> {});
        Map<String, double[]> results = run(
                new ToyNetwork.WithRoot(COLUMNS),
                new Splitting(SAMPLES, block).keeping(kept),
                false,
                NOBODY,
                counter,
                GRADIENTS,
                columns,
                Request.of(new Grams("grams")));
        for (String site : List.of("0.weight", "2.weight")) {
            double[] root = results.get(site + "/columns");
            double[] grams = results.get(site + "/grams");
            double[] rows = DoubleStream.concat(DoubleStream.of(root), DoubleStream.of(results.get(site + "/each")))
                    .toArray();
            int count = COLUMNS * SAMPLES;
            for (int i = 0; i < count + SAMPLES; i++) {
                for (int j = 0; j < count; j++) {
                    double expected = rows[2 * i] * root[2 * j] + rows[2 * i + 1] * root[2 * j + 1];
                    assertThat(grams[i * count + j]).as("%s %d %d", site, i, j).isCloseTo(expected, within(1e-12));
                }
            }
        }
        assertThat(counter.meetings().values().stream().mapToLong(Plan.Meetings::walks))
                .isEqualTo(walks == 0 ? List.of() : List.of(walks));
    }
}
