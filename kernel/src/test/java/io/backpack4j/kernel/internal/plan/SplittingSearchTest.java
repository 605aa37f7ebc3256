// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The search finds a splitting that fits, and its rehearsals do not take what none of them needs. */
class SplittingSearchTest {

    private static final long SAMPLES = 128;
    private static final long COLUMNS = 100;
    private static final long MIB = 1 << 20;

    /** Tensors take so much per pass, sample, and sample and column; a library takes a multiple of them beside. */
    private static class Passes implements SplittingSearch.Trial {

        private final long constant;
        private final long perSample;
        private final long perColumn;
        private final double multiple;
        private final boolean measured;
        private final List<Long> rehearsals = new ArrayList<>();

        Passes(long constant, long perSample, long perColumn, double multiple, boolean measured) {
            this.constant = constant;
            this.perSample = perSample;
            this.perColumn = perColumn;
            this.multiple = multiple;
            this.measured = measured;
        }

        /** What every splitting takes. */
        long least() {
            return 0;
        }

        List<Long> rehearsals() {
            return rehearsals;
        }

        long tensors(Splitting splitting) {
            long chunk = Math.min(SAMPLES, splitting.chunkSamples());
            return constant + chunk * (perSample + perColumn * Math.min(COLUMNS, splitting.blockColumns()));
        }

        long all(Splitting splitting) {
            return measured ? (long) (multiple * tensors(splitting)) : tensors(splitting);
        }

        @Override
        public long samples() {
            return SAMPLES;
        }

        @Override
        public boolean splitsSamples() {
            return true;
        }

        @Override
        public long capacityBytes() {
            return 1L << 40;
        }

        /** What is kept in one piece. */
        Optional<StepCounter.KeptSum> sum() {
            return Optional.empty();
        }

        @Override
        public TrialOutcome run(Splitting splitting) {
            Rehearsal.Outcome nothing = new Rehearsal.Outcome(
                    new TreeMap<>(),
                    Set.of(),
                    new TreeMap<>(),
                    Optional.empty(),
                    COLUMNS,
                    1,
                    sum(),
                    new TreeMap<>(),
                    new TreeMap<>());
            return new TrialOutcome(splitting, tensors(splitting), nothing);
        }

        @Override
        public boolean isMeasured() {
            return measured;
        }

        @Override
        public void giveBack() {}

        @Override
        public Optional<SplittingSearch.Measured> measure(TrialOutcome tried, long budget) {
            long bytes = all(tried.splitting());
            rehearsals.add(Math.min(bytes, budget));
            return bytes <= budget ? Optional.of(new SplittingSearch.Measured(bytes, least())) : Optional.empty();
        }
    }

    private static TrialOutcome find(Passes passes, long budget) {
        return new SplittingSearch(passes, PassOptions.DEFAULT.memory(budget)).find();
    }

    @Test
    void whatIsFoundFitsAndNothingCoarserDoes() {
        Random random = Randomness.of("SplittingSearchTest");
        for (int i = 0; i < 500; i++) {
            boolean measured = random.nextBoolean();
            Passes passes = new Passes(
                    1 + random.nextInt(100),
                    1 + random.nextInt(50),
                    random.nextInt(20),
                    1 + random.nextDouble(),
                    measured);
            Splitting finest = new Splitting(1, 1);
            long budget = passes.all(finest) + random.nextInt(200_000);

            TrialOutcome found = find(passes, budget);

            assertThat(found.peakBytes())
                    .isEqualTo(passes.all(found.splitting()))
                    .isLessThanOrEqualTo(budget);
            Splitting used = found.splitting();
            // Rehearsals that are likely to run into the budget are left out, by a margin.
            double enough = measured ? budget / 1.1 : budget;
            if (used.blockColumns() < 64) {
                Splitting coarser = new Splitting(used.chunkSamples(), 2 * used.blockColumns());
                assertThat((double) passes.all(coarser)).isGreaterThan(enough - 2);
            }
            if (used.chunkSamples() < SAMPLES) {
                Splitting coarser = new Splitting(2 * used.chunkSamples(), 1);
                assertThat((double) passes.all(coarser)).isGreaterThan(enough - 2);
            }
        }
    }

    @Test
    void noRehearsalRunsIntoTheBudgetThatAFinerOneShowsToBeHopeless() {
        // All columns fit by their tensors alone, 200 of 256 MiB, and take 1.5 times as much in all.
        Passes passes = new Passes(0, MIB / 2, 136 * MIB / SAMPLES / COLUMNS, 1.5, true);
        long budget = 256 * MIB;

        TrialOutcome found = find(passes, budget);

        assertThat(passes.tensors(new Splitting(SAMPLES, Long.MAX_VALUE))).isBetween(budget / 2, budget);
        assertThat(found.splitting().blockColumns()).isEqualTo(64);
        assertThat(Collections.max(passes.rehearsals)).isEqualTo(found.peakBytes());
    }

    @Test
    void anEstimateThatIsALittleShortStartsNoRehearsalThatRunsIntoTheBudget() {
        // Four columns take 220 MiB of tensors, and 1.18 times as much in all; two, 1.13 times.
        Passes passes = new Passes(0, 20 * MIB / SAMPLES, 50 * MIB / SAMPLES, 1.13, true) {
            @Override
            long all(Splitting splitting) {
                return (long) (super.all(splitting) * (splitting.blockColumns() >= 4 ? 1.18 / 1.13 : 1));
            }
        };
        long budget = 256 * MIB;

        TrialOutcome found = find(passes, budget);

        assertThat(found.splitting()).isEqualTo(new Splitting(SAMPLES, 2));
        assertThat(Collections.max(passes.rehearsals)).isLessThan(budget);
    }

    @Test
    void whatFitsIsFoundHoweverMuchTheLibraryTakes() {
        // The finest splitting takes nearly all of the budget: its estimate with a margin would not fit.
        Passes passes = new Passes(MIB, MIB / 4, 0, 2.1, true);
        long budget = passes.all(new Splitting(1, 1)) + 10;

        assertThat(find(passes, budget).splitting().chunkSamples()).isEqualTo(1);
    }

    @Test
    void aBudgetThatDoesForAllTakesAll() {
        Passes passes = new Passes(10, 10, 10, 1.5, true);

        TrialOutcome found = find(passes, 1 << 30);

        assertThat(found.splitting()).isEqualTo(new Splitting(SAMPLES, Long.MAX_VALUE));
        assertThat(passes.rehearsals).hasSize(1);
    }

    @Test
    void aRefusalNamesWhatTheFinestTakes() {
        Passes passes = new Passes(0, 0, MIB, 1.5, true);

        assertThatThrownBy(() -> find(passes, MIB))
                .hasMessageContaining("[MemoryBudget] The pass does not fit into 1048576 bytes. ")
                .hasMessageContaining("The smallest budget that would do is 1572864 bytes, with 1 sample(s) at a time");
        assertThat(find(passes, 1_572_864).splitting()).isEqualTo(new Splitting(1, 1));
    }

    /** A pass that keeps a sum of pairs of columns. */
    private static Passes pairs(long rows, long perColumn, long capacity) {
        return new Passes(rows * rows * 4, 0, perColumn, 1, false) {
            @Override
            Optional<StepCounter.KeptSum> sum() {
                return Optional.of(new StepCounter.KeptSum("Pairs", Shape.of(rows, rows), rows * rows * 4));
            }

            @Override
            public long capacityBytes() {
                return capacity;
            }
        };
    }

    @Test
    void columns_that_meet_come_in_fewer_blocks_where_there_is_memory() {
        // One column takes 4 MiB: a hundred are beyond what columns are given that need not meet.
        long perColumn = 4 * MIB / SAMPLES;
        Passes apart = new Passes(0, 0, perColumn, 1, false);

        assertThat(unlimited(apart).splitting().blockColumns()).isEqualTo(32);
        assertThat(unlimited(pairs(100, perColumn, 1L << 40)).splitting().blockColumns())
                .isEqualTo(Long.MAX_VALUE);
        assertThat(unlimited(pairs(100, perColumn, 1024 * MIB)).splitting().blockColumns())
                .isEqualTo(64);
    }

    @Test
    void what_is_kept_in_one_piece_must_fit_into_memory_without_a_budget() {
        assertThatThrownBy(() -> unlimited(pairs(10_000, 1, 399_999_999)))
                .hasMessageContaining("[MemoryBudget] Pairs are a matrix [10000, 10000] of 400000000 bytes")
                .hasMessageContaining("the backend may hold 399999999 bytes")
                .hasMessageContaining("(groups)")
                .hasMessageContaining("(subsampling)")
                .hasMessageContaining("(mc_samples)");
        assertThatThrownBy(() -> unlimited(pairs(10_000, MIB, 400_000_001)))
                .hasMessageContaining("a pass with it takes 534217728 bytes at least");
        assertThat(unlimited(pairs(10_000, 1, 500_000_000)).peakBytes()).isLessThan(500_000_000);
    }

    private static TrialOutcome unlimited(Passes passes) {
        return new SplittingSearch(passes, PassOptions.DEFAULT).find();
    }

    /** What the backend takes has nothing to do with the tensors. */
    private static final class Erratic extends Passes {

        private final Map<Splitting, Long> bytes = new HashMap<>();
        private final Random random;

        Erratic(Random random, boolean measured) {
            super(100_000, random.nextInt(2000), random.nextInt(20), 1, measured);
            this.random = random;
        }

        @Override
        long all(Splitting splitting) {
            // Blocks of all columns or more are the same.
            long block = splitting.blockColumns() >= COLUMNS ? Long.MAX_VALUE : splitting.blockColumns();
            Splitting key = new Splitting(splitting.chunkSamples(), block);
            return isMeasured()
                    ? bytes.computeIfAbsent(key, absent -> 1 + random.nextLong(400_000))
                    : tensors(splitting);
        }

        @Override
        long least() {
            return LongStream.of(128, 64, 32, 16, 8, 4, 2, 1)
                    .boxed()
                    .flatMap(chunk -> LongStream.of(Long.MAX_VALUE, 64, 32, 16, 8, 4, 2, 1)
                            .mapToObj(block -> all(new Splitting(chunk, block))))
                    .min(Long::compare)
                    .orElseThrow();
        }
    }

    @Test
    void aBudgetIsAcceptedExactlyIfASplittingFitsWhateverTheEstimatesSay() {
        Random random = Randomness.of("SplittingSearchTest2");
        for (int i = 0; i < 300; i++) {
            Erratic passes = new Erratic(random, random.nextInt(5) > 0);
            long least = passes.least();
            for (long budget : new long[] {1, least / 2 + 1, least - 1, least, least + 1, 2 * least}) {
                passes.rehearsals().clear();
                if (budget < least) {
                    assertThatThrownBy(() -> find(passes, budget))
                            .as("budget %d", budget)
                            .hasMessageContaining("does not fit into %d bytes. ".formatted(budget))
                            .hasMessageContaining(
                                    "The smallest budget that would do is %d bytes, with ".formatted(least));
                } else {
                    TrialOutcome found = find(passes, budget);
                    assertThat(found.peakBytes())
                            .isEqualTo(passes.all(found.splitting()))
                            .isLessThanOrEqualTo(budget);
                    assertThat(found.splitting().sampled()).isFalse();
                    assertThat(passes.rehearsals()).allMatch(bytes -> bytes <= budget);
                }
            }
        }
    }

    @Test
    void aRefusalRehearsesNoMoreOnceNothingCanTakeLess() {
        Passes passes = new Passes(MIB, 0, 0, 1, true) {
            @Override
            long least() {
                return MIB;
            }
        };
        assertThatThrownBy(() -> find(passes, MIB / 4))
                .hasMessageContaining("would do is 1048576 bytes, with 1 sample");
        assertThat(passes.rehearsals()).filteredOn(bytes -> bytes == MIB).hasSize(1);
    }

    @Test
    void whatNoBackendHoldsIsRefusedWithoutABudgetThatWouldDo() {
        Passes passes = new Passes(MIB, 0, 0, 1, true) {
            @Override
            public Optional<SplittingSearch.Measured> measure(TrialOutcome tried, long budget) {
                return Optional.empty();
            }
        };
        assertThatThrownBy(() -> find(passes, MIB))
                .hasMessageStartingWith(
                        "[MemoryBudget] The pass does not fit into 1048576 bytes, nor into what this backend may hold");
    }
}
