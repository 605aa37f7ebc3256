// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.stream.LongStream;

/**
 * Sizes of the chunks and blocks of a pass.
 *
 * @param chunkSamples how many samples are taken at a time
 * @param blockColumns how many columns of a signal travel at a time, where the signal allows
 * @param keptBlocks how many blocks of a signal that meets itself are kept at every site until all later ones have met
 *     them there; with none, every two blocks walk together
 * @param sampled whether only some parts are walked, which take as much memory as all: see {@link #parts}
 */
public record Splitting(long chunkSamples, long blockColumns, long keptBlocks, boolean sampled) {

    /** One that walks everything, and keeps no blocks. */
    public Splitting(long chunkSamples, long blockColumns) {
        this(chunkSamples, blockColumns, 0, false);
    }

    /** The same, keeping some blocks. */
    public Splitting keeping(long blocks) {
        return new Splitting(chunkSamples, blockColumns, blocks, sampled);
    }

    /** The same, walking all parts. */
    public Splitting ofAllParts() {
        return new Splitting(chunkSamples, blockColumns, keptBlocks, false);
    }

    /** The same, walking some parts only. */
    public Splitting ofSomeParts() {
        return new Splitting(chunkSamples, blockColumns, keptBlocks, true);
    }

    /**
     * The numbers of the parts that are walked: all, or else the first two and the last of every kind. A part takes
     * memory by its kind and by what the parts before it left behind. The first part allocates what is accumulated, the
     * second what sums over several parts keep beside it, and from the third on every part finds the same. The parts 0
     * and 1 are the first two of a kind, or of two kinds, so they are always walked; of a kind with three or more
     * parts, the last one stands for the third and all that follow.
     *
     * @param count how many parts there are
     * @param kind what a part takes memory by, by its number
     */
    public long[] parts(long count, LongFunction<?> kind) {
        if (count == 1) {
            return new long[1];
        }
        if (!sampled || count <= 3) {
            return LongStream.range(0, count).toArray();
        }
        Map<Object, List<Long>> walked = new HashMap<>();
        for (long part = 0; part < count; part++) {
            List<Long> ofKind = walked.computeIfAbsent(kind.apply(part), absent -> new ArrayList<>());
            if (ofKind.size() == 3) {
                ofKind.set(2, part);
            } else {
                ofKind.add(part);
            }
        }
        return walked.values().stream()
                .flatMap(List::stream)
                .mapToLong(Long::longValue)
                .sorted()
                .toArray();
    }

    /** The numbers of the chunks that are walked where chunks of equally many samples take equally much memory. */
    public long[] chunks(long samples) {
        return parts(chunkCount(samples), chunk -> Math.min(chunkSamples, samples - chunk * chunkSamples));
    }

    public long chunkCount(long samples) {
        return (samples + chunkSamples - 1) / chunkSamples;
    }
}
