// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.BatchDiagGGNExact;
import io.backpack4j.ext.secondorder.BatchDiagHessian;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.it.seams.SignalStatistics;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Passes stay within their memory budgets, workspaces of libraries included, and results that leave part by part are
 * the same.
 */
class MemoryBudgetTest {

    private static final long SEED = Randomness.seed(1);
    private static final int N = 24;
    private static final Pattern SMALLEST = Pattern.compile("would do is ([0-9]+) bytes");

    private static final List<Request<?>> REQUESTS = List.of(
            Request.of(new BatchGrad()),
            Request.of(new BatchL2Grad()),
            Request.of(new Variance()),
            Request.of(new DiagGGNExact()),
            Request.of(new BatchDiagGGNExact()),
            Request.of(new BatchDiagHessian()),
            Request.of(new SqrtGGNExact()),
            Request.of(new SqrtGGNExact(List.of(3, 1))).as("chosen"),
            Request.of(new KFAC()),
            Request.of(new SignalStatistics(new LossGradient())),
            Request.of(new SignalStatistics(new LossHessianRoot())).as("statistics_of_root"));

    private interface Body {
        void run(BackPack backpack, Model model, Batch batch);
    }

    private static void with(DType dtype, Graph graph, Body body) {
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(LossReduction.MEAN), dtype, Nets.IMAGE);
                Batch batch = Nets.batch(backpack, dtype, N, SEED)) {
            model.parameters().initialize(SEED);
            body.run(backpack, model, batch);
        }
    }

    /** Puts parts together. */
    private static final class Assembled implements ResultTaker {

        private final Map<String, double[]> arrays = new TreeMap<>();

        @Override
        public void take(String name, Shape whole, long[] origin, Tensor part) {
            double[] all = arrays.computeIfAbsent(name, absent -> {
                double[] empty = new double[(int) whole.elements()];
                Arrays.fill(empty, Double.NaN);
                return empty;
            });
            double[] numbers = part.toDoubleArray();
            for (int i = 0; i < numbers.length; i++) {
                int place = place(whole, origin, part.shape(), i);
                assertThat(all[place]).as("%s, element %d, twice", name, place).isNaN();
                all[place] = numbers[i];
            }
        }

        private static int place(Shape whole, long[] origin, Shape part, int element) {
            long place = 0;
            long step = 1;
            long rest = element;
            for (int axis = whole.rank() - 1; axis >= 0; axis--) {
                long index = rest % part.size(axis) + (axis < origin.length ? origin[axis] : 0);
                rest /= part.size(axis);
                place += index * step;
                step *= whole.size(axis);
            }
            return (int) place;
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT32, true", "FLOAT64, true", "FLOAT32, false"})
    void results_are_the_same_within_any_budget_and_the_peak_is_the_planned_one(DType dtype, boolean convolutions) {
        System.out.println("Budgets of -Dbackpack.test.seed=" + SEED);
        with(dtype, convolutions ? Nets.convolutions(6) : Nets.perceptron(20), (backpack, model, batch) -> {
            Plan unlimited = backpack.plan(model, batch, REQUESTS, PassOptions.DEFAULT);
            Map<String, double[]> expected = Nets.results(unlimited, batch, RunOptions.seed(SEED));
            double tolerance = dtype == DType.FLOAT32 ? 1e-4 : 1e-11;
            Random random = new Random(SEED);
            int refused = 0;
            int split = 0;
            for (int i = 0; i < 12; i++) {
                long budget = Math.round(20_000 * Math.pow(400, random.nextDouble()));
                Plan plan;
                try {
                    plan = backpack.plan(
                            model,
                            batch,
                            REQUESTS,
                            PassOptions.DEFAULT.memory(budget).handingOver());
                } catch (BackpackException e) {
                    refused++;
                    plan = planAtSmallest(backpack, model, batch, budget, e);
                }
                split += plan.chunkSamples() < N ? 1 : 0;
                assertThat(plan.results().keySet())
                        .isEqualTo(unlimited.results().keySet());
                long before = backpack.backend().memory().usedBytes();
                backpack.backend().resetPeak();
                Assembled parts = new Assembled();
                try (Results results = plan.run(batch, RunOptions.seed(SEED).taker(parts))) {
                    long peak = backpack.backend().memory().peakBytes() - before;
                    // Plans count moments for centred norms, since sessions need them. A whole batch makes them of its
                    // factors, which takes a little less.
                    double least = plan.chunkSamples() < N ? 1 : 0.99;
                    assertThat(peak)
                            .as("budget %d, splitting %d", budget, plan.chunkSamples())
                            .isBetween((long) (least * plan.peakBytes()), plan.peakBytes());
                    results.tensors().forEach((name, tensor) -> parts.arrays.put(name, tensor.toDoubleArray()));
                }
                assertSame(parts.arrays, expected, tolerance);
                assertThat(backpack.backend().memory().usedBytes()).isEqualTo(before);
            }
            assertThat(refused).as("refused").isBetween(1, 11);
            assertThat(split).as("split").isPositive();
        });
    }

    /** What the refusal says would do does. */
    private static Plan planAtSmallest(
            BackPack backpack, Model model, Batch batch, long budget, BackpackException refusal) {
        assertThat(refusal).hasMessageStartingWith("[MemoryBudget]");
        Matcher matcher = SMALLEST.matcher(refusal.getMessage());
        assertThat(matcher.find()).as(refusal.getMessage()).isTrue();
        long smallest = Long.parseLong(matcher.group(1));
        assertThat(smallest).isGreaterThan(budget);
        Plan plan = backpack.plan(
                model, batch, REQUESTS, PassOptions.DEFAULT.memory(smallest).handingOver());
        assertThat(plan.peakBytes()).isLessThanOrEqualTo(smallest);
        return plan;
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected, double tolerance) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, numbers) -> {
            double scale = Arrays.stream(numbers).map(Math::abs).max().orElse(0);
            assertThat(actual.get(name))
                    .as(name)
                    .usingComparatorWithPrecision(tolerance * Math.max(scale, 1e-3))
                    .containsExactly(numbers);
        });
    }

    @Test
    void what_leaves_part_by_part_may_be_larger_than_the_budget() {
        with(DType.FLOAT32, Nets.perceptron(400), (backpack, model, batch) -> {
            List<Request<?>> requests = List.of(Request.of(new BatchGrad()), Request.of(new SqrtGGNExact()));
            long budget = 512 << 10;
            Plan plan = backpack.plan(
                    model, batch, requests, PassOptions.DEFAULT.memory(budget).handingOver());
            assertThat(plan.results().get("1.weight/grad_batch").shape().elements() * Float.BYTES)
                    .isGreaterThan(2 * budget);
            Assembled parts = new Assembled();
            plan.run(batch, RunOptions.seed(1).taker(parts)).close();
            parts.arrays.forEach((name, numbers) -> assertThat(numbers).as(name).doesNotContain(Double.NaN));
            assertThatThrownBy(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT.memory(budget)))
                    .hasMessageStartingWith("[MemoryBudget]");
            assertThatThrownBy(() -> plan.run(batch))
                    .hasMessageStartingWith("[InvalidOption] The plan hands results over");
        });
    }

    @Test
    void sessions_hand_nothing_over() {
        with(
                DType.FLOAT32,
                Nets.perceptron(5),
                (backpack, model, batch) -> assertThatThrownBy(() -> backpack.session(
                                model, List.of(), SessionOptions.DEFAULT.pass(PassOptions.DEFAULT.handingOver())))
                        .hasMessageStartingWith("[InvalidOption] A session keeps its results"));
    }

    @Test
    void a_taker_that_throws_ends_the_pass_and_everything_is_given_back() {
        with(DType.FLOAT32, Nets.convolutions(6), (backpack, model, batch) -> {
            Plan plan = backpack.plan(
                    model, batch, REQUESTS, PassOptions.DEFAULT.chunk(5).handingOver());
            long before = backpack.backend().memory().usedBytes();
            List<String> names = new ArrayList<>();
            ResultTaker failing = (name, whole, origin, part) -> {
                names.add(name);
                if (names.size() == 17) {
                    throw new BackpackException(FormatProblems.INVALID_FILE, "The disk is full.");
                }
            };
            assertThatThrownBy(() -> plan.run(batch, RunOptions.seed(1).taker(failing)))
                    .hasMessage("[InvalidFile] The disk is full.");
            assertThat(backpack.backend().memory().usedBytes()).isEqualTo(before);
        });
    }

    @Test
    void a_taker_that_breaks_is_named() {
        with(DType.FLOAT32, Nets.perceptron(5), (backpack, model, batch) -> {
            for (Extension<?> extension : List.of(new BatchGrad(), new BatchDiagGGNExact())) {
                Plan plan =
                        backpack.plan(model, batch, List.of(Request.of(extension)), PassOptions.DEFAULT.handingOver());
                ResultTaker broken = (name, whole, origin, part) -> {
                    throw new IllegalStateException("broken");
                };
                assertThatThrownBy(() -> plan.run(batch, RunOptions.seed(1).taker(broken)))
                        .hasMessageStartingWith("[TakerFailure] The pass was ended by the taker of its results")
                        .hasMessageContaining("broken");
            }
        });
    }

    /** One extension hands over within a step, the other at the end of a chunk. */
    @Test
    void parts_that_are_not_finite_are_named_as_whole_results_are() {
        with(DType.FLOAT32, Nets.perceptron(5), (backpack, model, batch) -> {
            model.parameters().get("1.weight").write(3, new double[] {Double.NaN}, 0, 1);
            for (Extension<?> extension : List.of(new BatchGrad(), new BatchDiagGGNExact())) {
                Plan plan = backpack.plan(
                        model,
                        batch,
                        List.of(Request.of(extension)),
                        PassOptions.DEFAULT.nan(NanPolicy.FAIL_EVERYWHERE).handingOver());
                long before = backpack.backend().memory().usedBytes();
                assertThatThrownBy(() -> plan.run(batch, RunOptions.seed(1).taker((name, whole, origin, part) -> {})))
                        .hasMessageStartingWith("[NotFinite] Parameter '1.weight'");
                assertThat(backpack.backend().memory().usedBytes()).isEqualTo(before);
            }
        });
    }

    @Test
    void the_budget_of_an_instance_is_that_of_its_passes() {
        try (BackPack backpack = BackPack.builder().memory(100_000).build();
                Model model = backpack.model(
                        Nets.perceptron(20), new CrossEntropyLoss(LossReduction.MEAN), DType.FLOAT32, Nets.IMAGE);
                Batch batch = Nets.batch(backpack, DType.FLOAT32, N, SEED)) {
            model.parameters().initialize(SEED);
            List<Request<?>> requests = List.of(Request.of(new Variance()));
            assertThat(backpack.plan(model, batch, requests, PassOptions.DEFAULT)
                            .peakBytes())
                    .isLessThanOrEqualTo(100_000);
        }
        assertThatThrownBy(() -> BackPack.builder()
                        .properties(Map.of("backpack.memory", "much"))
                        .build())
                .hasMessageContaining("[InvalidOption] -Dbackpack.memory is 'much'");
    }

    /** Whatever comes from JavaCPP, and so from ND4J, beside the pool does not grow with passes. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void libraries_allocate_nothing_of_their_own(DType dtype) {
        with(dtype, Nets.convolutions(6), (backpack, model, batch) -> {
            Plan plan = backpack.plan(model, batch, Nets.REQUESTS, PassOptions.DEFAULT.memory(8 << 20));
            plan.run(batch).close();
            long before = Pointer.totalBytes();
            for (int i = 0; i < 20; i++) {
                plan.run(batch).close();
            }
            assertThat((double) Pointer.totalBytes()).isCloseTo(before, within(64.0 * 1024));
        });
    }
}
