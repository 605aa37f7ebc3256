package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.internal.pass.Splitting;
import io.backpack4j.spi.BackpackException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * Finds the coarsest splitting that fits the budget: whole batch and all columns first, then fewer columns at a time, which costs further walks
 * back, then fewer samples at a time.
 */
final class SplittingSearch {

    /** How splittings of a pass are tried. */
    interface Trial {

        /** The samples of the batch. */
        long samples();

        /** Whether the batch may come in chunks. */
        boolean splitsSamples();

        /** Tries a splitting, without numbers. */
        TrialOutcome run(Splitting splitting);

        /** Whether the backend counts what it takes beside tensors. */
        boolean isMeasured();

        /**
         * Rehearses a splitting with numbers, walking some parts only, to see what the backend takes beside tensors.
         *
         * @param tried what trying it without numbers has found
         * @param budget what may be in use
         * @return the most bytes in use; empty if the budget does not do
         */
        OptionalLong measure(TrialOutcome tried, long budget);
    }

    private static final long ALL_COLUMNS = Long.MAX_VALUE;

    /** More columns than this at once are never worth their memory; the search starts here once all together do not fit. */
    private static final long MANY_COLUMNS = 64;

    /** What a coarser splitting takes by what a finer one does was 5 % short at worst. */
    private static final double MARGIN = 1.1;

    /** What columns may take where no budget is given. */
    private static final long LITTLE_BYTES = 128 << 20;

    private final Trial trial;
    private final PassOptions options;

    SplittingSearch(Trial trial, PassOptions options) {
        this.trial = trial;
        this.options = options;
    }

    TrialOutcome find() {
        if (options.memoryBytes().isEmpty()) {
            return unlimited(options.chunkSamples().orElse(trial.samples()));
        }
        long budget = options.memoryBytes().getAsLong();
        List<Splitting> candidates = candidates();
        TrialOutcome smallest = null;
        double allByTensors = 0;
        for (int i = 0; i < candidates.size(); i++) {
            Splitting splitting = candidates.get(i);
            TrialOutcome tried = trial.run(splitting.ofSomeParts());
            if (tried.peakBytes() <= budget) {
                if (allByTensors == 0 && tried.peakBytes() > budget / 2) {
                    allByTensors = allByTensors(candidates.subList(i + 1, candidates.size()), budget);
                }
                boolean hopeless = tried.peakBytes() > budget / 2 && tried.peakBytes() * allByTensors > budget;
                OptionalLong peak = hopeless ? OptionalLong.empty() : measured(tried, budget);
                if (peak.isPresent()) {
                    return trial.run(splitting).withPeak(peak.getAsLong());
                }
            }
            if (smallest == null || tried.peakBytes() < smallest.peakBytes()) {
                smallest = tried;
            }
        }
        throw refusal(budget, Objects.requireNonNull(smallest));
    }

    private List<Splitting> candidates() {
        List<Splitting> candidates = new ArrayList<>();
        for (long chunk : chunks()) {
            for (long block : blocks()) {
                candidates.add(new Splitting(chunk, block));
            }
        }
        return candidates;
    }

    /**
     * All that is in use as a multiple of the tensors, as with the first of finer splittings that leaves room for it, and a margin. A rehearsal
     * that runs into the budget is better not begun, since what it took stays in the process's highest memory.
     */
    private double allByTensors(List<Splitting> finer, long budget) {
        for (Splitting splitting : trial.isMeasured() ? finer : List.<Splitting>of()) {
            TrialOutcome tried = trial.run(splitting.ofSomeParts());
            if (tried.peakBytes() <= budget / 2) {
                OptionalLong peak = trial.measure(tried, budget);
                return peak.isPresent() ? MARGIN * peak.getAsLong() / tried.peakBytes() : 1;
            }
        }
        return 1;
    }

    /** The most memory in use, if the budget does for it. */
    private OptionalLong measured(TrialOutcome tried, long budget) {
        return trial.isMeasured() ? trial.measure(tried, budget) : OptionalLong.of(tried.peakBytes());
    }

    private BackpackException refusal(long budget, TrialOutcome smallest) {
        Splitting splitting = smallest.splitting();
        OptionalLong needed = measured(smallest, Long.MAX_VALUE);
        return new BackpackException(
                "MemoryBudget",
                "The pass does not fit into %s. The smallest budget that would do is %s, with %d sample(s) at a time. Ask for less, or for fewer parameters."
                        .formatted(
                                amount(budget),
                                needed.isPresent()
                                        ? amount(needed.getAsLong())
                                        : "more than this backend may hold, at least " + amount(smallest.peakBytes()),
                                splitting.chunkSamples()));
    }

    /** All columns at once, or as many as take little memory beside a single one: more do not make a pass faster. */
    private TrialOutcome unlimited(long chunk) {
        TrialOutcome all = trial.run(new Splitting(chunk, options.blockColumns().orElse(ALL_COLUMNS)));
        if (options.blockColumns().isPresent() || all.peakBytes() <= LITTLE_BYTES) {
            return all;
        }
        long least = trial.run(new Splitting(chunk, 1)).peakBytes();
        for (long block : blocks()) {
            TrialOutcome outcome = block == ALL_COLUMNS ? all : trial.run(new Splitting(chunk, block));
            if (outcome.peakBytes() <= least + LITTLE_BYTES) {
                return outcome;
            }
        }
        return all;
    }

    private List<Long> chunks() {
        if (options.chunkSamples().isPresent()) {
            return List.of(options.chunkSamples().getAsLong());
        }
        List<Long> chunks = new ArrayList<>();
        for (long chunk = trial.samples(); chunk > 1 && trial.splitsSamples(); chunk = (chunk + 1) / 2) {
            chunks.add(chunk);
        }
        chunks.add(trial.splitsSamples() ? 1L : trial.samples());
        return chunks;
    }

    private List<Long> blocks() {
        if (options.blockColumns().isPresent()) {
            return List.of(options.blockColumns().getAsLong());
        }
        List<Long> blocks = new ArrayList<>(List.of(ALL_COLUMNS));
        for (long block = MANY_COLUMNS; block >= 1; block /= 2) {
            blocks.add(block);
        }
        return blocks;
    }

    private static String amount(long bytes) {
        return bytes < 1 << 20 ? bytes + " bytes" : "%d MiB (%d bytes)".formatted((bytes + (1 << 20) - 1) >> 20, bytes);
    }
}
