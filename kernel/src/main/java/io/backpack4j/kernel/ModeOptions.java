// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.module.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The modes in which a network's modules work in a pass. They override what the modules say; a module that says nothing
 * is in {@link Mode#TRAIN}.
 *
 * @param mode that of all nodes; what they say if empty
 * @param nodes the modes of single nodes, which win; of several that match a node, the last
 * @param statistics whether statistics of the batch are differentiated
 * @param updatesBuffers whether a pass that succeeds updates buffers, such as running means
 */
public record ModeOptions(
        Optional<Mode> mode, List<OfNodes> nodes, BatchStatistics statistics, boolean updatesBuffers) {

    /** Modes that the modules say. Statistics are differentiated, buffers updated. */
    public static final ModeOptions DEFAULT =
            new ModeOptions(Optional.empty(), List.of(), BatchStatistics.DIFFERENTIATED, true);

    public ModeOptions {
        nodes = List.copyOf(nodes);
    }

    /**
     * The mode of some nodes.
     *
     * @param pattern of their names, {@code *} standing for anything
     */
    public record OfNodes(String pattern, Mode mode) {}

    /** With a mode of all nodes. */
    public ModeOptions mode(Mode ofAll) {
        return new ModeOptions(Optional.of(ofAll), nodes, statistics, updatesBuffers);
    }

    /** With a mode of some nodes. */
    public ModeOptions mode(Mode ofThem, String... patterns) {
        List<OfNodes> more = new ArrayList<>(nodes);
        for (String pattern : patterns) {
            more.add(new OfNodes(pattern, ofThem));
        }
        return new ModeOptions(mode, more, statistics, updatesBuffers);
    }

    /** With statistics differentiated or not. */
    public ModeOptions statistics(BatchStatistics other) {
        return new ModeOptions(mode, nodes, other, updatesBuffers);
    }

    /** With buffers updated or not. */
    public ModeOptions updateBuffers(boolean updates) {
        return new ModeOptions(mode, nodes, statistics, updates);
    }
}
