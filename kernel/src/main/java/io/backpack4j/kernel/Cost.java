// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.Experimental;
import java.util.List;

/**
 * What a pass will cost.
 *
 * @param seconds of a run, once the JVM has compiled it: the first run of a process takes some tenths of a second more
 * @param peakBytes the most memory that the pass and its results take at a time, beside the model and the batch
 * @param isRehearsed whether the memory is that of a rehearsal on the backend, workspaces of libraries included. Else
 *     it is that of tensors alone, because a rehearsal would take long or the backend does not count
 * @param operations multiplications and additions of the whole pass, and elements of other arithmetic
 * @param nodes what each node takes, in the order of the network; fused nodes are one
 * @param machine what the times come from
 */
@Experimental
public record Cost(
        double seconds, long peakBytes, boolean isRehearsed, double operations, List<NodeCost> nodes, Machine machine) {

    /** Copies the list. */
    public Cost {
        nodes = List.copyOf(nodes);
    }

    /**
     * What a node takes.
     *
     * @param node its name
     * @param forwardOperations multiplications and additions of all samples on the way forward
     * @param backwardOperations those on the way back, of all signals and contractions
     * @param forwardSeconds on the way forward
     * @param backwardSeconds on the way back
     */
    public record NodeCost(
            String node,
            double forwardOperations,
            double backwardOperations,
            double forwardSeconds,
            double backwardSeconds) {}

    /**
     * What was measured of this machine.
     *
     * @param operationsPerSecond multiplications and additions in large products
     * @param bytesPerSecond of memory beyond caches, read and written
     */
    public record Machine(double operationsPerSecond, double bytesPerSecond) {}
}
