// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Puts activations into the order that a module needs, by Permute, Reshape and Flatten where it is not there yet. */
final class Arrangement {

    private final Network network;

    /** The batch as an axis of the file's tensors. */
    private final List<Integer> batch;

    /**
     * Creates an arrangement.
     *
     * @param batchOfOne whether the file was made for a batch of one: then its tensors are what one sample makes, with
     *     an axis of size one somewhere
     */
    Arrangement(Network network, boolean batchOfOne) {
        this.network = network;
        this.batch = batchOfOne ? List.of() : List.of(Activation.BATCH);
    }

    /** The batch as an axis of the file's tensors; nothing in a file that was made for a batch of one. */
    List<Integer> batch() {
        return batch;
    }

    /** The output of a node whose axes stand in the file as they are, behind the batch. */
    Activation plain(String node, ElementType type) {
        Shape sample = network.sample(node);
        List<List<Integer>> axes = new ArrayList<>(List.of(batch));
        IntStream.range(0, sample.rank()).forEach(axis -> axes.add(List.of(axis)));
        return new Activation(node, sample, axes, type);
    }

    /**
     * A node's output in some order.
     *
     * @param node a node whose samples have one axis for every piece
     * @param axes per axis of the file's tensor the node's axes in it
     */
    record Arranged(String node, List<List<Integer>> axes) {}

    /**
     * A node whose samples have an axis for each group, in the order of the groups.
     *
     * @param groups axes of the activation's samples; those that are missing have size one
     */
    String node(Activation activation, List<List<Integer>> groups, String name) {
        Shape sample = activation.sample();
        List<Integer> order =
                new ArrayList<>(groups.stream().flatMap(List::stream).toList());
        List<Integer> large =
                order.stream().filter(axis -> sample.size(axis) > 1).toList();
        boolean ordered = IntStream.range(1, large.size()).allMatch(i -> large.get(i - 1) < large.get(i));
        String node = activation.node();
        if (!ordered) {
            IntStream.range(0, sample.rank())
                    .filter(axis -> !order.contains(axis))
                    .forEach(order::add);
            List<Long> dims = new ArrayList<>(List.of(0L));
            order.forEach(axis -> dims.add(axis + 1L));
            node = network.view(name + "_permute", "Permute", Map.of("dims", dims), node);
        }
        List<Long> sizes = groups.stream().map(activation::size).toList();
        Shape wanted = shape(sizes);
        if (network.sample(node).equals(wanted)) {
            return node;
        }
        return wanted.rank() == 1 && network.sample(node).rank() > 1
                ? network.view(name + "_flatten", "Flatten", Map.of("start_dim", 1L, "end_dim", -1L), node)
                : network.view(name + "_reshape", "Reshape", Map.of("shape", sizes), node);
    }

    static Shape shape(List<Long> sizes) {
        return Shape.of(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    /** A node whose samples are the file's tensor without its first axis, which must be the batch. */
    String batchFirst(Activation activation, String name) {
        requireBatchFirst(activation);
        return node(activation, activation.axes().subList(1, activation.rank()), name);
    }

    static void requireBatchFirst(Activation activation) {
        if (!activation.isBatchFirst()) {
            throw new Refusal(
                    "takes a tensor whose axis 0 is not the batch alone, which it must be here. Export the model with the batch as axis 0 throughout");
        }
    }

    /**
     * A node with one axis for each axis of the file's tensor, two for one in which the batch stands between others,
     * and none for axes of size one, unless they are to be kept.
     */
    Arranged compact(Activation activation, String name, List<Integer> kept) {
        List<List<Integer>> groups = new ArrayList<>();
        List<List<Integer>> axes = new ArrayList<>();
        for (int axis = 0; axis < activation.rank(); axis++) {
            List<Integer> group = activation.axes().get(axis);
            List<Integer> pieces = new ArrayList<>();
            addPiece(activation, Activation.before(group), kept.contains(axis), groups, pieces);
            if (group.contains(Activation.BATCH)) {
                pieces.add(Activation.BATCH);
                addPiece(activation, Activation.behind(group), false, groups, pieces);
            }
            axes.add(pieces);
        }
        return new Arranged(node(activation, groups, name), axes);
    }

    private static void addPiece(
            Activation activation,
            List<Integer> piece,
            boolean kept,
            List<List<Integer>> groups,
            List<Integer> pieces) {
        if (kept || activation.size(piece) > 1) {
            pieces.add(groups.size());
            groups.add(piece);
        }
    }

    /** The result of a module that keeps the axes of what it takes. */
    Activation result(String node, List<List<Integer>> axes, ElementType type) {
        return new Activation(node, network.sample(node), axes, type);
    }
}
