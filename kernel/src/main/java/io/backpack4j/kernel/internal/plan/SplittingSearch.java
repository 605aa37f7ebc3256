// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.BackpackException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds a splitting that fits the budget, if one of the {@link SplittingCandidates} does, and else the least budget
 * that would do. What fits is decided by what a rehearsal takes, to the byte. Estimates say no more than in which order
 * splittings are rehearsed: the coarsest first, but those that are likely to run into the budget last.
 */
final class SplittingSearch {

    /** Trials of splittings of a pass. */
    interface Trial {

        /** The samples of the batch. */
        long samples();

        /** Whether the batch may come in chunks. */
        boolean splitsSamples();

        /** The most bytes that the backend may ever hold. */
        long capacityBytes();

        /** Whether blocks of columns meet, so that some may be kept for others. */
        default boolean keepsBlocks() {
            return false;
        }

        /** Tries a splitting, without numbers. */
        TrialOutcome run(Splitting splitting);

        /** Whether the backend counts what it takes beside tensors. */
        boolean isMeasured();

        /**
         * Rehearses a splitting with numbers, walking some parts that stand for all, to see what it takes. It ends as
         * soon as it takes too much.
         *
         * @param tried what trying it without numbers has found
         * @param budget what may be in use
         * @return what it takes; empty if the budget does not do
         */
        Optional<Measured> measure(TrialOutcome tried, long budget);

        /** Gives back to the system what rehearsals left. */
        void giveBack();
    }

    /**
     * Memory that a rehearsal took.
     *
     * @param peakBytes the most bytes in use
     * @param leastBytes what every splitting takes: all results, and what they are made of; 0 if not known
     */
    record Measured(long peakBytes, long leastBytes) {}

    /** What a coarser splitting takes by what a finer one does was 5 % short at worst. */
    private static final double MARGIN = 1.1;

    /** Bytes that columns may take where no budget is given. */
    private static final long LITTLE_BYTES = 128 << 20;

    /** The same where columns meet: b blocks of them are walked b(b + 1)/2 times, and their gradients made b times. */
    private static final long MEETING_BYTES = 1L << 30;

    private final Trial trial;
    private final PassOptions options;
    private final SplittingCandidates candidates;
    private final Map<Splitting, Optional<Measured>> measured = new HashMap<>();

    SplittingSearch(Trial trial, PassOptions options) {
        this.trial = trial;
        this.options = options;
        this.candidates = new SplittingCandidates(trial, options);
    }

    TrialOutcome find() {
        if (options.memoryBytes().isEmpty()) {
            return unlimited(options.chunkSamples().orElse(trial.samples()));
        }
        long budget = options.memoryBytes().getAsLong();
        requireRoomForSums(budget);
        Optional<TrialOutcome> found = trial.isMeasured() ? rehearsed(budget) : byTensors(budget);
        return found.orElseThrow(() -> refusal(budget));
    }

    /**
     * Refuses a budget below what is kept in one piece, however a pass is split: no rehearsal finds room for it if the
     * budget is less.
     */
    private void requireRoomForSums(long budget) {
        List<Splitting> all = candidates.all();
        candidates.tried(all.get(all.size() - 1)).outcome().largestSum().ifPresent(sum -> {
            requireTensor(sum);
            if (sum.bytes() > budget) {
                throw sum.refusal("the budget is %d bytes".formatted(budget));
            }
        });
    }

    /** Refuses a sum that no tensor, or no memory, can hold, budget or not. */
    private void requireTensor(StepCounter.KeptSum sum) {
        sum.requireTensor();
        if (sum.bytes() > trial.capacityBytes()) {
            throw sum.refusal("the backend may hold %d bytes".formatted(trial.capacityBytes()));
        }
    }

    /** Refuses a sum for which there is no room beside what is made of it, however few columns pass at a time. */
    private void requireRoom(StepCounter.KeptSum sum, long least) {
        if (least > trial.capacityBytes()) {
            throw sum.refusal("a pass with it takes %d bytes at least, of which the backend may hold %d"
                    .formatted(least, trial.capacityBytes()));
        }
    }

    /** The coarsest that fits, on a backend that counts tensors alone: then trials without numbers are exact. */
    private Optional<TrialOutcome> byTensors(long budget) {
        for (Splitting splitting : candidates.all()) {
            if (candidates.isDistinct(splitting) && candidates.tried(splitting).peakBytes() <= budget) {
                return Optional.of(trial.run(splitting));
            }
        }
        return Optional.empty();
    }

    private Optional<TrialOutcome> rehearsed(long budget) {
        List<Splitting> all = candidates.all();
        List<TrialOutcome> postponed = new ArrayList<>();
        double allByTensors = 0;
        for (int i = 0; i < all.size(); i++) {
            Splitting splitting = all.get(i);
            if (!candidates.isDistinct(splitting)) {
                continue;
            }
            TrialOutcome tried = candidates.tried(splitting);
            boolean tight = tried.peakBytes() > budget / 2;
            if (tight && tried.peakBytes() <= budget && allByTensors == 0) {
                allByTensors = allByTensors(all.subList(i + 1, all.size()), budget);
            }
            if (tight && tried.peakBytes() * Math.max(1, allByTensors) > budget) {
                postponed.add(tried);
                continue;
            }
            Optional<Measured> peak = measured(tried, budget);
            if (peak.isPresent()) {
                return Optional.of(trial.run(splitting).withPeak(peak.get().peakBytes()));
            }
        }
        return anyOf(postponed, budget);
    }

    /** One that fits, the most hopeful tried first. */
    private Optional<TrialOutcome> anyOf(List<TrialOutcome> postponed, long budget) {
        for (TrialOutcome tried : sorted(postponed)) {
            Optional<Measured> peak = measured(tried, budget);
            if (peak.isPresent()) {
                return Optional.of(trial.run(tried.splitting().ofAllParts())
                        .withPeak(peak.get().peakBytes()));
            }
        }
        return Optional.empty();
    }

    private static List<TrialOutcome> sorted(List<TrialOutcome> outcomes) {
        return outcomes.stream()
                .sorted(Comparator.comparingLong(TrialOutcome::peakBytes))
                .toList();
    }

    /**
     * All that is in use as a multiple of the tensors, as with the first of finer splittings that leaves room for it,
     * and a margin. A rehearsal that runs into the budget is better not begun, since what it took stays in the
     * process's highest memory.
     */
    private double allByTensors(List<Splitting> finer, long budget) {
        for (Splitting splitting : finer) {
            TrialOutcome tried = candidates.tried(splitting);
            if (tried.peakBytes() <= budget / 2) {
                Optional<Measured> peak = measured(tried, budget);
                return peak.isPresent() ? MARGIN * peak.get().peakBytes() / tried.peakBytes() : 1;
            }
        }
        return 1;
    }

    /** The most memory in use, if the budget does for it. */
    private Optional<Measured> measured(TrialOutcome tried, long budget) {
        return measured.computeIfAbsent(tried.splitting(), absent -> trial.measure(tried, budget));
    }

    private BackpackException refusal(long budget) {
        List<TrialOutcome> all = new ArrayList<>(candidates.all().stream()
                .filter(candidates::isDistinct)
                .map(candidates::tried)
                .toList());
        // Of equal ones the finest first: it is rehearsed the fastest.
        Collections.reverse(all);
        List<TrialOutcome> ascending = sorted(all);
        if (!trial.isMeasured()) {
            return refusal(
                    budget, ascending.get(0).peakBytes(), ascending.get(0).splitting());
        }
        Optional<TrialOutcome> smallest = smallest(ascending);
        trial.giveBack();
        return smallest.map(outcome -> refusal(budget, outcome.peakBytes(), outcome.splitting()))
                .orElseGet(() -> new BackpackException(
                        KernelProblems.MEMORY_BUDGET,
                        "The pass does not fit into %d bytes, nor into what this backend may hold: tensors alone take about %d bytes. Ask for less, or for fewer parameters."
                                .formatted(budget, ascending.get(0).peakBytes())));
    }

    /**
     * The one with the least peak. A rehearsal ends as soon as it takes as much as the least so far; all end when
     * nothing can take less.
     */
    private Optional<TrialOutcome> smallest(List<TrialOutcome> ascending) {
        Optional<TrialOutcome> smallest = Optional.empty();
        long limit = Long.MAX_VALUE;
        long leastBytes = 0;
        for (TrialOutcome tried : ascending) {
            Optional<Measured> peak = limit < leastBytes ? Optional.empty() : trial.measure(tried, limit);
            if (peak.isPresent()) {
                smallest = Optional.of(tried.withPeak(peak.get().peakBytes()));
                limit = peak.get().peakBytes() - 1;
                leastBytes = peak.get().leastBytes();
            }
        }
        return smallest;
    }

    private static BackpackException refusal(long budget, long least, Splitting splitting) {
        return new BackpackException(
                KernelProblems.MEMORY_BUDGET,
                "The pass does not fit into %d bytes. The smallest budget that would do is %d bytes, with %d sample(s) at a time. Ask for less, or for fewer parameters."
                        .formatted(budget, least, splitting.chunkSamples()));
    }

    /**
     * All columns at once, or as many as take little memory beside a single one: more do not make a pass faster, unless
     * they meet each other.
     */
    private TrialOutcome unlimited(long chunk) {
        TrialOutcome all =
                trial.run(new Splitting(chunk, options.blockColumns().orElse(SplittingCandidates.ALL_COLUMNS)));
        all.outcome().largestSum().ifPresent(this::requireTensor);
        if (options.blockColumns().isEmpty() && all.peakBytes() <= LITTLE_BYTES) {
            return all;
        }
        long least = options.blockColumns().isPresent()
                ? all.peakBytes()
                : trial.run(new Splitting(chunk, 1)).peakBytes();
        all.outcome().largestSum().ifPresent(sum -> requireRoom(sum, least));
        boolean meet =
                options.blockColumns().isEmpty() && all.outcome().largestSum().isPresent();
        long little = meet ? meetingBytes() : LITTLE_BYTES;
        for (Splitting splitting : candidates.ofChunk(chunk)) {
            TrialOutcome outcome = splitting.equals(all.splitting()) ? all : trial.run(splitting);
            if (outcome.peakBytes() <= least + little) {
                return outcome;
            }
        }
        return all;
    }

    /** No more than a part of what there is. */
    private long meetingBytes() {
        return Math.max(LITTLE_BYTES, Math.min(MEETING_BYTES, trial.capacityBytes() / 4));
    }
}
