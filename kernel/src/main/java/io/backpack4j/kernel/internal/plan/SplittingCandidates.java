// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.internal.layout.Splitting;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The splittings of which a plan within a budget is one, coarsest first: chunks of N, ⌈N/2⌉, ⌈⌈N/2⌉/2⌉, …, 1 samples,
 * and of each all columns at once, 64, 32, …, 1; where blocks meet, all of them are kept, or one, or every two walk
 * together. What options fix stays fixed, and samples that a pass needs together
 * stay together. Each is tried once, without numbers.
 */
final class SplittingCandidates {

    static final long ALL_COLUMNS = Long.MAX_VALUE;

    private static final long ALL_BLOCKS = Long.MAX_VALUE;

    /**
     * More columns than this at once are never worth their memory; the search starts here once all together do not fit.
     */
    private static final long MANY_COLUMNS = 64;

    private final SplittingSearch.Trial trial;
    private final PassOptions options;
    private final Map<Splitting, TrialOutcome> tried = new HashMap<>();

    SplittingCandidates(SplittingSearch.Trial trial, PassOptions options) {
        this.trial = trial;
        this.options = options;
    }

    List<Splitting> all() {
        List<Splitting> candidates = new ArrayList<>();
        for (long chunk : chunks()) {
            candidates.addAll(ofChunk(chunk));
        }
        return candidates;
    }

    /** Those with a size of chunks, coarsest first. */
    List<Splitting> ofChunk(long chunk) {
        List<Splitting> candidates = new ArrayList<>();
        for (long block : blocks()) {
            Splitting inPairs = new Splitting(chunk, block);
            if (block != ALL_COLUMNS && trial.keepsBlocks()) {
                candidates.add(inPairs.keeping(ALL_BLOCKS));
                candidates.add(inPairs.keeping(1));
            }
            candidates.add(inPairs);
        }
        return candidates;
    }

    /** Whether the columns come in other blocks than with the coarser candidates, or meet in another way. */
    boolean isDistinct(Splitting splitting) {
        if (splitting.blockColumns() == blocks().get(0) && splitting.keptBlocks() == 0) {
            return true;
        }
        long widest = tried(new Splitting(splitting.chunkSamples(), blocks().get(0)))
                .outcome()
                .widestColumns();
        // Of two blocks, one is all that can be kept.
        return splitting.blockColumns() < (splitting.keptBlocks() == 1 ? (widest + 1) / 2 : widest);
    }

    /** Findings of a trial without numbers, in some parts that stand for all. */
    TrialOutcome tried(Splitting splitting) {
        return tried.computeIfAbsent(splitting, absent -> trial.run(absent.ofSomeParts()));
    }

    List<Long> blocks() {
        if (options.blockColumns().isPresent()) {
            return List.of(options.blockColumns().getAsLong());
        }
        List<Long> blocks = new ArrayList<>(List.of(ALL_COLUMNS));
        for (long block = MANY_COLUMNS; block >= 1; block /= 2) {
            blocks.add(block);
        }
        return blocks;
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
}
