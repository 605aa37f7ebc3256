// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Collections;
import java.util.List;

/**
 * What a node of the network computes, as a tensor of the file: each of its axes is a product of axes of the node's
 * samples and of the batch, in any order. So transposes and joined axes cost nothing until numbers are needed in order.
 *
 * @param node a node, or an input of the network
 * @param sample the shape of one sample that it makes
 * @param axes per axis of the file's tensor the axes of the sample that are joined in it, or {@link #BATCH}; empty for
 *     an axis of size one. Axes of the sample that have size one may be missing
 * @param type the type of the elements
 */
record Activation(String node, Shape sample, List<List<Integer>> axes, ElementType type) implements Value {

    /** Stands for the batch among the axes of a sample. */
    static final int BATCH = -1;

    Activation {
        axes = axes.stream().map(List::copyOf).toList();
    }

    int rank() {
        return axes.size();
    }

    /** The size of an axis; of one that holds the batch, that of everything else in it. */
    long size(int axis) {
        return size(axes.get(axis));
    }

    /** The product of axes, the batch left out. */
    long size(List<Integer> group) {
        return group.stream()
                .filter(axis -> axis != BATCH)
                .mapToLong(sample::size)
                .reduce(1, Math::multiplyExact);
    }

    boolean holdsBatch(int axis) {
        return axes.get(axis).contains(BATCH);
    }

    /**
     * Whether axis 0 is the batch and nothing else. In a file that was made for a batch of one, any axis of size one
     * may be it.
     */
    boolean isBatchFirst() {
        boolean alone = axes.stream().noneMatch(group -> group.contains(BATCH));
        return rank() > 0 && (alone ? size(0) == 1 : axes.get(0).equals(List.of(BATCH)));
    }

    /** An axis, counted from the end if negative. */
    int axis(long axis) {
        return axis(axis, rank());
    }

    static int axis(long axis, int rank) {
        long positive = axis < 0 ? axis + rank : axis;
        if (positive < 0 || positive >= rank) {
            throw new Refusal("names axis %d of a tensor with %d axes".formatted(axis, rank));
        }
        return (int) positive;
    }

    /** The same with other axes. */
    Activation with(List<List<Integer>> other) {
        return new Activation(node, sample, other, type);
    }

    /** What stands before the batch in a group, or all of it without one. */
    static List<Integer> before(List<Integer> group) {
        int batch = group.indexOf(BATCH);
        return batch < 0 ? group : group.subList(0, batch);
    }

    /** What stands behind the batch in a group. */
    static List<Integer> behind(List<Integer> group) {
        int batch = group.indexOf(BATCH);
        return batch < 0 ? Collections.emptyList() : group.subList(batch + 1, group.size());
    }
}
