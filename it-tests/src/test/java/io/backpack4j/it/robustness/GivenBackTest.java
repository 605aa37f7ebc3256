// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.backpack4j.backend.cuda.EmulatedCuda;
import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.GGNMP;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Randomness;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Results that are given back to the next run: it takes their memory, and computes what it computes without. */
class GivenBackTest {

    private static final int N = 12;
    private static final int RUNS = 8;

    private static final List<Request<?>> PER_SAMPLE = List.of(Request.of(new BatchGrad()));

    private interface Body {
        void run(BackPack backpack, Model model, List<Batch> batches);
    }

    @TempDir
    private Path folder;

    private BackPack open(String backend) throws IOException {
        if (backend.equals(EmulatedCuda.ID)) {
            assumeThat(EmulatedCuda.missing()).isEmpty();
            return BackPack.builder()
                    .classLoader(EmulatedCuda.loader())
                    .backend(backend)
                    .build();
        }
        if (backend.equals("heap")) {
            return BackPack.builder()
                    .classLoader(FaultyPlugin.loader(folder))
                    .backend(backend)
                    .build();
        }
        return BackPack.builder()
                .backend("cpu")
                .threads(2)
                .properties(Map.of("backpack.cpu.kernels", backend))
                .build();
    }

    /** Batches of different numbers; nothing may be left open. */
    private void with(String backend, DType dtype, Body body) {
        Random random = Randomness.of("results given back");
        try (BackPack backpack = open(backend)) {
            try (Model model = backpack.model(Nets.convolutions(3), new CrossEntropyLoss(), dtype, Nets.IMAGE)) {
                model.parameters().initialize(random.nextLong());
                List<Batch> batches = new ArrayList<>();
                for (int run = 0; run < RUNS; run++) {
                    batches.add(Nets.batch(backpack, dtype, N, random.nextLong()));
                }
                body.run(backpack, model, batches);
                batches.forEach(Batch::close);
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, double[]> arrays(Results results) {
        Map<String, double[]> arrays = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        return arrays;
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
    }

    @ParameterizedTest
    @CsvSource({
        "onednn, FLOAT32, 12",
        "onednn, FLOAT32, 5",
        "onednn, FLOAT64, 12",
        "nd4j, FLOAT32, 5",
        "heap, FLOAT64, 12",
        "heap, FLOAT32, 5",
        "cuda-emulated, FLOAT32, 12",
        "cuda-emulated, FLOAT64, 5"
    })
    void a_loop_has_the_same_numbers_and_one_set_of_results(String backend, DType dtype, long chunk) {
        with(backend, dtype, (backpack, model, batches) -> {
            Plan plan = backpack.plan(model, batches.get(0), Nets.REQUESTS, PassOptions.DEFAULT.chunk(chunk));
            List<Map<String, double[]>> expected = new ArrayList<>();
            for (int run = 0; run < RUNS; run++) {
                expected.add(Nets.results(plan, batches.get(run), RunOptions.seed(run)));
            }
            backpack.backend().resetPeak();
            Nets.results(plan, batches.get(0), RunOptions.seed(0));
            MemoryStatistics once = backpack.backend().memory();
            Results results = plan.run(batches.get(0), RunOptions.seed(0));
            long open = backpack.backend().memory().openTensors();
            for (int run = 0; run < RUNS; run++) {
                Results previous = results;
                results = plan.run(batches.get(run), RunOptions.seed(run).into(previous));
                assertSame(arrays(results), expected.get(run));
                assertThat(previous.tensors().values()).allMatch(Tensor::isClosed);
                previous.close(); // does nothing more
                assertThat(results.tensors().values()).noneMatch(Tensor::isClosed);
                assertThat(backpack.backend().memory().openTensors()).isEqualTo(open);
            }
            results.close();
            MemoryStatistics after = backpack.backend().memory();
            assertThat(after.systemAllocations()).isEqualTo(once.systemAllocations());
            assertThat(after.pooledBytes()).isEqualTo(once.pooledBytes());
            assertThat(after.peakBytes()).isEqualTo(once.peakBytes());
            assertThat(after.openTensors()).isEqualTo(once.openTensors());
        });
    }

    /** Within a budget that holds one set of results, and not two. */
    @ParameterizedTest
    @ValueSource(strings = {"onednn", "nd4j", "cuda-emulated"})
    void budgets_hold(String backend) {
        with(backend, DType.FLOAT32, (backpack, model, batches) -> {
            long peak = backpack.plan(model, batches.get(0), PER_SAMPLE, PassOptions.DEFAULT.memory(1 << 20))
                    .peakBytes();
            Plan plan = backpack.plan(model, batches.get(0), PER_SAMPLE, PassOptions.DEFAULT.memory(peak));
            long idle = backpack.backend().memory().usedBytes();
            Results results = plan.run(batches.get(0));
            backpack.backend().resetPeak();
            for (Batch batch : batches) {
                results = plan.run(batch, RunOptions.seed(0).into(results));
            }
            assertThat(backpack.backend().memory().peakBytes() - idle).isLessThanOrEqualTo(plan.peakBytes());
            try (Results both = plan.run(batches.get(0))) {
                assertThat(both.loss()).isFinite();
                assertThat(backpack.backend().memory().peakBytes() - idle).isGreaterThan(plan.peakBytes());
            }
            results.close();
        });
    }

    @Test
    void products_end_with_the_results_they_are_of() {
        with("onednn", DType.FLOAT64, (backpack, model, batches) -> {
            Plan plan = backpack.plan(model, batches.get(0), List.of(Request.of(new GGNMP())), PassOptions.DEFAULT);
            Results first = plan.run(batches.get(0));
            BlockProduct product = first.products().get("0.weight/ggnmp");
            assertThat(product).isNotNull();
            try (Results second = plan.run(batches.get(1), RunOptions.seed(0).into(first));
                    var scope = backpack.backend().openScope()) {
                var vectors = scope.allocate(
                        model.parameters().spec("0.weight").shape().prepend(1), DType.FLOAT64);
                backpack.backend().elementwise().fill(vectors, 1);
                assertThatThrownBy(() -> product.multiply(scope, vectors)).hasMessageContaining("losed");
                assertThat(second.products()
                                .get("0.weight/ggnmp")
                                .multiply(scope, vectors)
                                .toDoubleArray())
                        .isNotEmpty();
            }
        });
    }

    @Test
    void results_of_sessions_fit_where_they_are_the_same() {
        with("onednn", DType.FLOAT64, (backpack, model, batches) -> {
            Plan plan = backpack.plan(model, batches.get(0), PER_SAMPLE, PassOptions.DEFAULT);
            try (Session session = backpack.session(model, new BatchGrad())) {
                session.add(batches.get(0));
                try (Results results = session.results()) {
                    refused(
                            plan,
                            batches.get(1),
                            results,
                            "[WrongResults] ",
                            "lack '",
                            "Give back results of the same plan");
                }
            }
        });
    }

    private static void refused(Plan plan, Batch batch, Results previous, String... words) {
        refused(plan, batch, RunOptions.seed(0), previous, words);
    }

    /** What is refused is left as it was. */
    private static void refused(Plan plan, Batch batch, RunOptions options, Results previous, String... words) {
        Map<String, double[]> before = arrays(previous);
        assertThatThrownBy(() -> plan.run(batch, options.into(previous))).hasMessageContainingAll(words);
        assertSame(arrays(previous), before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"onednn", "heap"})
    void what_does_not_fit_is_refused(String backend) {
        with(backend, DType.FLOAT32, (backpack, model, batches) -> {
            Batch batch = batches.get(0);
            Plan plan = backpack.plan(model, batch, PER_SAMPLE, PassOptions.DEFAULT);
            Plan more = backpack.plan(
                    model, batch, List.of(PER_SAMPLE.get(0), Request.of(new Variance())), PassOptions.DEFAULT);
            try (Batch small = Nets.batch(backpack, DType.FLOAT32, N - 1, 1);
                    Results one = plan.run(batch);
                    Results two = more.run(batch)) {
                Plan smaller = backpack.plan(model, small, PER_SAMPLE, PassOptions.DEFAULT);
                refused(smaller, small, one, "[WrongResults] ", "with shape [12", "the plan makes shape [11");
                refused(more, batch, one, "[WrongResults] ", "lack '0.bias/variance', which the plan makes");
                refused(plan, batch, two, "[WrongResults] ", "hold '0.bias/variance', which the plan does not make");
                refused(plan, small, one, "[WrongBatch] ");
                assertThatThrownBy(() -> backpack.predict(
                                model,
                                batch,
                                PassOptions.DEFAULT,
                                RunOptions.seed(0).into(one)))
                        .hasMessageStartingWith("[InvalidOption] A prediction takes no memory of results");
                try (Model wide = backpack.model(
                                Nets.convolutions(3), new CrossEntropyLoss(), DType.FLOAT64, Nets.IMAGE);
                        Batch doubles = Nets.batch(backpack, DType.FLOAT64, N, 1)) {
                    Plan other = backpack.plan(wide, doubles, PER_SAMPLE, PassOptions.DEFAULT);
                    refused(other, doubles, one, "[WrongResults] ", "type FLOAT32", "type FLOAT64");
                }
                with(backend, DType.FLOAT32, (another, itsModel, itsBatches) -> {
                    Plan elsewhere = another.plan(itsModel, itsBatches.get(0), PER_SAMPLE, PassOptions.DEFAULT);
                    refused(
                            elsewhere,
                            itsBatches.get(0),
                            one,
                            "[WrongResults] ",
                            "lie on another instance of a backend, '"
                                    + backpack.backend().id());
                });
            }
        });
    }

    @Test
    void results_are_given_back_once() {
        with("onednn", DType.FLOAT32, (backpack, model, batches) -> {
            Plan plan = backpack.plan(model, batches.get(0), PER_SAMPLE, PassOptions.DEFAULT);
            Results first = plan.run(batches.get(0));
            RunOptions options = RunOptions.seed(0).into(first);
            try (Results second = plan.run(batches.get(1), options)) {
                assertThatThrownBy(() -> plan.run(batches.get(2), options))
                        .hasMessageStartingWith("[Closed] The results that were given back to a run are closed");
                assertThat(second.loss()).isFinite();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"onednn", "heap"})
    void a_pass_that_fails_leaves_nothing(String backend) {
        with(backend, DType.FLOAT32, (backpack, model, batches) -> {
            Batch batch = batches.get(0);
            Plan plan = backpack.plan(model, batch, Nets.REQUESTS, PassOptions.DEFAULT.chunk(5));
            MemoryStatistics before = backpack.backend().memory();
            for (int step = 0; step < plan.steps(); step += 3) {
                int last = step;
                Results previous = plan.run(batch);
                Cancellation cancellation = new Cancellation();
                PassListener listener = new PassListener() {
                    private int steps;

                    @Override
                    public void forward(String node) {
                        if (steps++ == last) {
                            cancellation.cancel();
                        }
                    }

                    @Override
                    public void backward(String node, String signal) {
                        forward(node);
                    }
                };
                RunOptions options = RunOptions.seed(0)
                        .listener(listener)
                        .cancellation(cancellation)
                        .into(previous);
                if (step < plan.steps() - 1) {
                    assertThatThrownBy(() -> plan.run(batch, options)).hasMessageStartingWith("[Cancelled] ");
                }
                previous.close();
                assertThat(previous.tensors().values()).allMatch(Tensor::isClosed);
                assertThat(backpack.backend().memory().openTensors()).isEqualTo(before.openTensors());
                assertThat(backpack.backend().memory().usedBytes()).isEqualTo(before.usedBytes());
            }
        });
    }

    /** Inner products of all gradients with N vectors of the caller's. */
    private record Dots() implements TensorExtension {

        @Override
        public String resultName() {
            return "dots";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            Operand vectors = site.operand("vectors", site.shape().prepend(N));
            site.accumulate("dots", new LossGradient(), new Contraction.Dot(vectors, N));
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.tensor("dots");
        }
    }

    @Test
    void operands_of_the_run_are_not_given_back_to_it() {
        with("onednn", DType.FLOAT64, (backpack, model, batches) -> {
            Dots dots = new Dots();
            List<Request<?>> requests = List.of(
                    Request.of(new BatchGrad()).only("0.weight"),
                    Request.of(dots).only("0.weight"));
            Plan plan = backpack.plan(model, batches.get(0), requests, PassOptions.DEFAULT);
            try (var scope = backpack.backend().openScope()) {
                Tensor zeros = scope.allocate(
                        model.parameters().spec("0.weight").shape().prepend(N), DType.FLOAT64);
                backpack.backend().elementwise().fill(zeros, 0);
                RunOptions withZeros = RunOptions.seed(0).operands(Map.of("vectors", Map.of("0.weight", zeros)));
                try (Results first = plan.run(batches.get(0), withZeros)) {
                    Tensor gradients = first.tensors().get("0.weight/grad_batch");
                    RunOptions with = RunOptions.seed(0).operands(Map.of("vectors", Map.of("0.weight", gradients)));
                    refused(plan, batches.get(0), with, first, "[WrongResults] ", "'0.weight/grad_batch'", "'vectors'");
                    try (Results second = plan.run(batches.get(0), with)) {
                        assertThat(second.get(dots, "0.weight").toDoubleArray())
                                .isNotEqualTo(first.get(dots, "0.weight").toDoubleArray());
                    }
                }
            }
        });
    }
}
