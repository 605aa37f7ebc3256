// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes down the operations that a dry run is asked for, by the place where they belong. Equal ones are counted.
 * Belongs to one thread.
 */
public final class WorkMeter {

    /**
     * One call of an operation.
     *
     * @param kind what it does
     * @param operations multiplications and additions, or elements where there are none
     * @param bytes of all operands together
     * @param parts how many independent pieces it has, such as the matrices of a batch of products
     * @param dtype the type of the elements
     */
    public record Call(WorkKind kind, double operations, double bytes, long parts, DType dtype) {}

    /**
     * Where an operation belongs.
     *
     * @param what a node, a parameter or a part of a pass
     * @param direction of the walk there
     */
    public record Place(String what, Direction direction) {}

    /** Directions of a walk. */
    public enum Direction {
        /** At a node on the way forward. */
        FORWARD,
        /** At a node on the way back, its contractions included. */
        BACKWARD,
        /** Products with unit vectors, through the whole network. */
        UNIT_PRODUCTS,
        /** At no node: the loss, and what is made of partial results. */
        ELSEWHERE
    }

    private final Map<Place, Map<Call, Long>> places = new LinkedHashMap<>();
    private Map<Call, Long> here = new LinkedHashMap<>();
    private int fused;

    WorkMeter() {
        place(new Place("", Direction.ELSEWHERE));
    }

    /** Says where what comes next belongs. */
    public void place(Place place) {
        here = places.computeIfAbsent(place, absent -> new LinkedHashMap<>());
    }

    /** Counts of the calls at every place, in the order in which the places were first named. */
    public Map<Place, Map<Call, Long>> places() {
        return places;
    }

    /** Adds an operation whose cost is that of its operands' bytes, the destination being the last of them. */
    void add(WorkKind kind, Tensor... operands) {
        add(kind, operands[operands.length - 1].shape().elements(), 1, operands);
    }

    /** Adds an operation. */
    void add(WorkKind kind, double operations, long parts, Tensor... operands) {
        if (fused > 0) {
            return;
        }
        double bytes = 0;
        for (Tensor operand : operands) {
            bytes += (double) operand.shape().elements() * operand.dtype().bytes();
        }
        DType dtype = operands[operands.length - 1].dtype();
        here.merge(new Call(kind, operations, bytes, parts, dtype), 1L, Long::sum);
    }

    /** Does what stands for one operation that is already counted. */
    void withoutCounting(Runnable parts) {
        fused++;
        try {
            parts.run();
        } finally {
            fused--;
        }
    }
}
