// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.backend.cuda.EmulatedCuda;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Random networks, extensions and batches with budgets around everything that plans and refusals claim: what is
 * accepted runs within the stated peak, what is refused names the budget that does, and one byte less does not. {@code
 * -Dbackpack.test.seed=…} draws others, {@code -Dbudgets.networks=…} or {@code -Dbudgets.minutes=…} more.
 */
class BudgetSearchTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("budgets.networks", 8);
    private static final long MINUTES = Long.getLong("budgets.minutes", 0);
    private static final int MOST_SAMPLES = 40;

    private static final Pattern SMALLEST = Pattern.compile(
            "^\\[MemoryBudget\\] The pass does not fit into ([0-9]+) bytes\\. The smallest budget that would do is ([0-9]+) bytes, with");

    private int refused;
    private int ran;
    private int products;
    private int productsBeyond;
    private int sessions;

    /** A library and the element type that it is used with. */
    private record Setting(String name, BackPack backpack, DType dtype) {}

    private static List<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            settings.add(new Setting(
                    "cpu", BackPack.builder().backend("cpu").threads(2).build(), dtype));
        }
        Map<String, String> nd4j = Map.of("backpack.cpu.kernels", "nd4j");
        settings.add(new Setting(
                "cpu on nd4j",
                BackPack.builder().backend("cpu").threads(2).properties(nd4j).build(),
                DType.FLOAT32));
        if (EmulatedCuda.missing().isEmpty()) {
            settings.add(new Setting(
                    "cuda-emulated",
                    BackPack.builder()
                            .classLoader(EmulatedCuda.loader())
                            .backend(EmulatedCuda.ID)
                            .build(),
                    DType.FLOAT32));
        }
        return settings;
    }

    @Test
    void what_is_accepted_runs_and_what_is_refused_names_what_does() {
        System.out.printf("Budgets of -Dbackpack.test.seed=%d%n", SEED);
        List<Setting> settings = settings();
        long end = System.nanoTime() + MINUTES * 60_000_000_000L;
        int network = 0;
        int left = 0;
        try {
            for (; network < NETWORKS || System.nanoTime() < end; network++) {
                left += check(settings.get(network % settings.size()), network) ? 0 : 1;
            }
        } finally {
            settings.forEach(setting -> setting.backpack().close());
        }
        Figures.row(
                "%,d random networks with random extensions, 1 to %d samples, budgets around every claim, seed %d"
                        .formatted(network - left, MOST_SAMPLES, SEED),
                "%,d budgets accepted, all of which ran, %,d refused, naming what does; %,d of %,d products beyond the stated peak; %,d batches in sessions",
                ran,
                refused,
                productsBeyond,
                products,
                sessions);
        assertThat(refused).isPositive();
        assertThat(ran).isPositive();
    }

    /** Returns whether the extensions go with the network at all. */
    private boolean check(Setting setting, int network) {
        Random random = new Random(SEED * 1_000_003 + network);
        RandomNetwork.Drawn drawn = RandomNetwork.draw(random);
        int samples = 1 + random.nextInt(MOST_SAMPLES);
        BackPack backpack = setting.backpack();
        List<Request<?>> requests = RandomRequests.draw(backpack, random, samples, drawn.chain());
        PassOptions options = options(random, samples);
        String what = "network %d of seed %d on %s in %s, %d samples, %s, %s, %s"
                .formatted(network, SEED, setting.name(), setting.dtype(), samples, requests, options, drawn.model());
        try (Model model = backpack.model(drawn.model(), setting.dtype(), drawn.input());
                Batch batch = drawn.batch(backpack, setting.dtype(), samples, random)) {
            model.parameters().initialize(SEED + network);
            new Case(what, backpack, model, batch, requests, options, random).check();
            return true;
        } catch (BackpackException e) {
            String id = e.problems().get(0).id().name();
            assertThat(id).as(what).isIn("UnsupportedModule", "NotAChain", "NotMergeable", "NotFinite");
            return false;
        }
    }

    private static PassOptions options(Random random, int samples) {
        PassOptions options = random.nextBoolean() ? PassOptions.DEFAULT.handingOver() : PassOptions.DEFAULT;
        options = options.nan(NanPolicy.values()[random.nextInt(NanPolicy.values().length)]);
        if (random.nextInt(8) == 0) {
            options = options.block(1 + random.nextInt(6));
        }
        return random.nextInt(8) == 0 ? options.chunk(1 + random.nextInt(samples)) : options;
    }

    /** A network with what is wanted of it. */
    private final class Case {

        private final String what;
        private final BackPack backpack;
        private final Model model;
        private final Batch batch;
        private final List<Request<?>> requests;
        private final PassOptions options;
        private final Random random;

        Case(
                String what,
                BackPack backpack,
                Model model,
                Batch batch,
                List<Request<?>> requests,
                PassOptions options,
                Random random) {
            this.what = what;
            this.backpack = backpack;
            this.model = model;
            this.batch = batch;
            this.requests = requests;
            this.options = options;
            this.random = random;
        }

        void check() {
            Plan unlimited = plan(1L << 40);
            run(unlimited, 1L << 40);
            long smallest = smallest(1).orElseThrow(() -> new AssertionError(what + ": one byte is enough"));
            Set<Long> budgets = new LinkedHashSet<>(List.of(smallest - 1, smallest, smallest + 1));
            for (long around : new long[] {unlimited.peakBytes(), unlimited.peakBytes() * 9 / 10}) {
                budgets.addAll(List.of(around - 1, around, around + 1));
            }
            for (int i = 0; i < 4; i++) {
                budgets.add((long) (smallest * (0.6 + random.nextDouble())));
                budgets.add(smallest + random.nextLong(Math.max(1, 2 * unlimited.peakBytes() - smallest)));
            }
            for (long budget : budgets) {
                if (budget < smallest) {
                    assertThat(smallest(budget))
                            .as("budget %d of %s", budget, what)
                            .hasValue(smallest);
                } else {
                    Plan plan = plan(budget);
                    run(plan, budget);
                    // What is claimed of a plan is a budget, too.
                    assertThat(plan(plan.peakBytes()).peakBytes())
                            .as("budget %d of %s", plan.peakBytes(), what)
                            .isLessThanOrEqualTo(plan.peakBytes());
                }
            }
            if (!options.handsOver()) {
                inSession(smallest);
            }
        }

        private Plan plan(long budget) {
            try {
                return backpack.plan(model, batch, requests, options.memory(budget));
            } catch (BackpackException e) {
                if (e.getMessage().startsWith("[MemoryBudget]")) {
                    throw new AssertionError("budget %d of %s".formatted(budget, what), e);
                }
                throw e;
            }
        }

        /** The smallest budget that would do, as the refusal of another says. */
        private OptionalLong smallest(long budget) {
            long before = backpack.backend().memory().usedBytes();
            Throwable refusal = catchThrowable(() -> backpack.plan(model, batch, requests, options.memory(budget)));
            assertThat(backpack.backend().memory().usedBytes()).as(what).isEqualTo(before);
            if (refusal == null) {
                return OptionalLong.empty();
            }
            Matcher matcher = SMALLEST.matcher(refusal.getMessage());
            assertThat(matcher.find()).as("%s: %s", what, refusal.getMessage()).isTrue();
            assertThat(matcher.group(1)).as(what).isEqualTo(Long.toString(budget));
            refused++;
            return OptionalLong.of(Long.parseLong(matcher.group(2)));
        }

        private void run(Plan plan, long budget) {
            String within = "budget %d, peak %d, %d samples and %d columns at a time, of %s"
                    .formatted(budget, plan.peakBytes(), plan.chunkSamples(), plan.blockColumns(), what);
            assertThat(plan.peakBytes()).as(within).isLessThanOrEqualTo(budget);
            long before = backpack.backend().memory().usedBytes();
            backpack.backend().resetPeak();
            RunOptions taking = RunOptions.seed(random.nextLong(100)).taker((name, whole, origin, part) -> {
                assertThat(part.toDoubleArray()).hasSize((int) part.shape().elements());
            });
            try (Results results = plan.run(batch, taking)) {
                long peak = backpack.backend().memory().peakBytes() - before;
                if (plan.products().isEmpty()) {
                    assertThat(peak).as(within).isEqualTo(plan.peakBytes());
                } else {
                    assertThat(peak).as(within).isLessThanOrEqualTo(plan.peakBytes());
                    multiply(results, plan, before);
                }
            } catch (BackpackException e) {
                assertThat(e.problems().get(0).id().name())
                        .as("%s: %s", within, e)
                        .isEqualTo("NotFinite");
                throw e;
            }
            assertThat(backpack.backend().memory().usedBytes()).as(within).isEqualTo(before);
            ran++;
        }

        private void multiply(Results results, Plan plan, long before) {
            for (BlockProduct product : results.products().values()) {
                try (TensorScope scope = backpack.backend().openScope()) {
                    backpack.backend().resetPeak();
                    long columns = Math.min(4, plan.blockColumns());
                    Tensor vectors = scope.allocate(product.parameter().prepend(columns), model.dtype());
                    backpack.backend().elementwise().fill(vectors, 1);
                    product.multiply(scope, vectors);
                }
                products++;
                if (backpack.backend().memory().peakBytes() - before > plan.peakBytes()) {
                    productsBeyond++;
                }
            }
        }

        /** A session's passes leave partial results, but keep to the same budgets. */
        private void inSession(long smallest) {
            SessionOptions session = SessionOptions.DEFAULT.pass(options.memory(smallest));
            try (Session open = backpack.session(model, requests, session)) {
                open.add(batch);
                sessions++;
                try (Results merged = open.results();
                        Results results = backpack.plan(model, batch, List.of(), PassOptions.DEFAULT)
                                .run(batch)) {
                    double loss = results.loss();
                    assertThat(merged.loss()).as(what).isCloseTo(loss, within(1e-3 * Math.abs(loss) + 1e-6));
                }
            } catch (BackpackException e) {
                assertThat(e.problems().get(0).id().name())
                        .as("%s: %s", what, e)
                        .isIn("NotMergeable", "UnknownDegree");
            }
        }
    }
}
