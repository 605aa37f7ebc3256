// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SignalLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The way back of one chunk: the blocks of columns that start at the loss, then those that start at nodes with
 * curvature.
 */
final class ChunkWalk {

    /** More columns of a node's curvature at once are not worth their memory. */
    private static final long MANY_COLUMNS = 64;

    /** A stage in which no signals meet. */
    private static final int NO_STAGE = 0;

    private final PassLayout layout;
    private final Splitting splitting;
    private final Backend backend;
    private final ChunkForward chunk;
    private final SignalSources sources;
    private final BlockWalk.SiteVisitor visitor;

    ChunkWalk(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            ChunkForward chunk,
            SignalSources sources,
            BlockWalk.SiteVisitor visitor) {
        this.layout = layout;
        this.splitting = splitting;
        this.backend = backend;
        this.chunk = chunk;
        this.sources = sources;
        this.visitor = visitor;
    }

    /** @param release whether nothing walks this chunk afterwards, so that evaluations can be given back on the way */
    void walk(int stage, boolean release) {
        try (PendingCurvature curvature = new PendingCurvature(layout, layout.residual(stage), backend, chunk)) {
            fromLoss(stage, layout.signals(stage), curvature, release);
            curvature.requireSupported();
            for (PendingCurvature.Source source = curvature.next(); source != null; source = curvature.next()) {
                fromNode(stage, source, curvature, release);
            }
        }
    }

    /** Walks some signals from the loss alone, as the last that walks the chunk. Signals that meet have met before. */
    void walkAgain(List<SignalLayout> signals) {
        try (PendingCurvature none = new PendingCurvature(layout, Optional.empty(), backend, chunk)) {
            fromLoss(NO_STAGE, signals, none, true);
        }
    }

    private void fromLoss(int stage, List<SignalLayout> signals, PendingCurvature curvature, boolean release) {
        List<SignalLayout> inBlocks = new ArrayList<>();
        long blocks = 1;
        for (SignalLayout signal : signals) {
            long count = sources.columns(signal, chunk);
            blocks = Math.max(blocks, ceilingOf(count, blockOf(signal, count)));
            if (blockOf(signal, count) < count && layout.pairs().meet(stage, signal.signal(), signal.signal())) {
                inBlocks.add(signal);
            }
        }
        long keptBlocks = inBlocks.isEmpty() ? 0 : splitting.keptBlocks();
        try (KeptBlocks kept = new KeptBlocks(keptColumns(inBlocks, keptBlocks))) {
            for (long block : splitting.parts(blocks, part -> part < keptBlocks ? part : widths(signals, part))) {
                boolean last = release && block == blocks - 1 && inBlocks.isEmpty();
                try (BlockWalk walk = walk(stage, curvature, kept)) {
                    for (SignalLayout signal : signals) {
                        long count = sources.columns(signal);
                        long width = blockOf(signal, count);
                        long columnsOfBlock = width(count, width, block);
                        if (columnsOfBlock > 0) {
                            long from = block * width;
                            Step step = new Step(block(from, from + columnsOfBlock), count, layout.samples(), null);
                            chunk.observer().columns(signal.signal(), step.block(), count);
                            walk.send(signal, step, false);
                        } else if (ridesAlong(stage, signal, signals, block)) {
                            walk.send(signal, new Step(block(0, count), count, layout.samples(), null), true);
                        }
                    }
                    walk.walk(node -> last && node > curvature.top());
                }
            }
        }
        for (SignalLayout signal : inBlocks) {
            if (keptBlocks == 0) {
                meetInPairs(stage, signal, curvature);
            } else {
                meetKept(stage, signal, curvature);
            }
        }
    }

    private BlockWalk walk(int stage, PendingCurvature curvature, KeptBlocks kept) {
        return new BlockWalk(layout, stage, backend, chunk, sources, visitor, curvature, kept);
    }

    private Map<Signal, Long> keptColumns(List<SignalLayout> inBlocks, long keptBlocks) {
        Map<Signal, Long> columns = new HashMap<>();
        for (SignalLayout signal : inBlocks) {
            long count = sources.columns(signal);
            long width = blockOf(signal, count);
            // The last block has nothing to wait for.
            long kept = Math.min(keptBlocks, ceilingOf(count, width) - 1);
            columns.put(signal.signal(), kept * width);
        }
        return columns;
    }

    /** Whether the gradient meets columns of a block, so that it passes once more. */
    private boolean ridesAlong(int stage, SignalLayout signal, List<SignalLayout> signals, long block) {
        return signal.signal() instanceof LossGradient
                && signals.stream().anyMatch(other -> {
                    long count = sources.columns(other);
                    return width(count, blockOf(other, count), block) > 0
                            && layout.pairs().meet(stage, signal.signal(), other.signal());
                });
    }

    /**
     * Sends the blocks once more that have not been kept, and keeps as many of them as before, until all have met: with
     * k of b blocks kept at a time (b − k) + (b − 2k) + … more walks.
     */
    private void meetKept(int stage, SignalLayout signal, PendingCurvature curvature) {
        long count = sources.columns(signal);
        long width = blockOf(signal, count);
        long blocks = ceilingOf(count, width);
        long keptBlocks = Math.min(splitting.keptBlocks(), blocks - 1);
        long walks = blocks;
        for (long first = keptBlocks; first < blocks - 1; first += keptBlocks) {
            walks += blocks - first;
            if (splitting.sampled()) {
                continue; // The blocks that were kept first, and what passed them, took no less.
            }
            long columns = Math.min(first + keptBlocks, blocks - 1) * width;
            try (KeptBlocks kept = new KeptBlocks(Map.of(signal.signal(), columns))) {
                for (long block = first; block < blocks; block++) {
                    try (BlockWalk walk = walk(stage, curvature, kept)) {
                        sendAgain(walk, signal, count, width, block);
                        walk.walk(node -> false);
                    }
                }
            }
        }
        chunk.observer().met(signal.signal(), blocks, keptBlocks, walks);
    }

    private void sendAgain(BlockWalk walk, SignalLayout signal, long count, long width, long block) {
        long from = block * width;
        Block columns = block(from, from + width(count, width, block));
        walk.send(signal, new Step(columns, count, layout.samples(), null), true);
    }

    /** Sends every two blocks of a signal's columns together, so that all columns meet: b(b − 1)/2 more walks. */
    private void meetInPairs(int stage, SignalLayout signal, PendingCurvature curvature) {
        long count = sources.columns(signal);
        long width = blockOf(signal, count);
        long blocks = ceilingOf(count, width);
        List<long[]> pairs = new ArrayList<>();
        for (long first = 0; first < blocks; first++) {
            for (long second = first + 1; second < blocks; second++) {
                pairs.add(new long[] {first, second});
            }
        }
        for (long part : splitting.parts(pairs.size(), index -> widths(pairs.get((int) index), count, width))) {
            try (BlockWalk walk = walk(stage, curvature, KeptBlocks.none())) {
                for (long block : pairs.get((int) part)) {
                    sendAgain(walk, signal, count, width, block);
                }
                walk.walk(node -> false);
            }
        }
        chunk.observer().met(signal.signal(), blocks, 0, blocks + pairs.size());
    }

    private static List<Long> widths(long[] pair, long count, long width) {
        return List.of(width(count, width, pair[0]), width(count, width, pair[1]));
    }

    /** Counts the columns of every signal that travel in a block. */
    private List<Long> widths(List<SignalLayout> signals, long block) {
        return signals.stream()
                .map(signal -> {
                    long count = sources.columns(signal);
                    return width(count, blockOf(signal, count), block);
                })
                .toList();
    }

    private static long width(long count, long width, long block) {
        return Math.max(0, Math.min(count - block * width, width));
    }

    private long blockOf(SignalLayout signal, long count) {
        return signal.splitsColumns() ? Math.max(1, Math.min(count, splitting.blockColumns())) : Math.max(1, count);
    }

    private static long ceilingOf(long count, long width) {
        return (count + width - 1) / width;
    }

    private Block block(long fromColumn, long toColumn) {
        return new Block(fromColumn, toColumn, chunk.fromSample(), chunk.toSample());
    }

    private void fromNode(int stage, PendingCurvature.Source source, PendingCurvature curvature, boolean release) {
        BoundNode node = source.node();
        try (TensorScope owner = source.scope()) {
            long count = source.curvature().columns();
            long width = Math.max(1, Math.min(count, Math.min(splitting.blockColumns(), MANY_COLUMNS)));
            for (long part : splitting.parts(ceilingOf(count, width), index -> width(count, width, index))) {
                long from = part * width;
                Block block = block(from, Math.min(count, from + width));
                boolean last = release && block.toColumn() == count;
                try (TensorScope scope = backend.openScope();
                        BlockWalk walk = walk(stage, curvature, KeptBlocks.none())) {
                    Curvature.Columns sent = PluginCalls.call(
                            node.part(),
                            "in its curvature",
                            () -> source.curvature()
                                    .columns(chunk.context(node, scope), block.fromColumn(), block.toColumn()));
                    check(node, sent, block);
                    Step step = new Step(block, count, layout.samples(), sent.weights());
                    chunk.observer().columns(curvature.signal().signal(), block, count);
                    walk.send(curvature.signal(), node, sent.inputs(), step);
                    walk.walk(index -> last && index > curvature.top());
                }
            }
        }
    }

    private void check(BoundNode node, Curvature.Columns columns, Block block) {
        Part part = node.part();
        Shape weights = Shape.of(block.columns(), block.samples());
        PluginCalls.check(part, "the weights of its curvature", columns.weights(), weights, layout.dtype());
        if (columns.inputs().size() != node.inputs().size()) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "The curvature of %s has columns for %d input(s) instead of %d. This is an error of the plugin that provides it, %s."
                            .formatted(
                                    node.described(),
                                    columns.inputs().size(),
                                    node.inputs().size(),
                                    part.location()));
        }
        for (int input = 0; input < columns.inputs().size(); input++) {
            Shape shape = layout.graph().shape(node.inputs().get(input)).prepend(block.columns(), block.samples());
            PluginCalls.check(part, "columns of its curvature", columns.inputs().get(input), shape, layout.dtype());
        }
    }
}
