// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Finds the axes of a reshaped tensor: which axes of the samples, and where the batch is. Numbers keep their row-major
 * order, so axes are taken one after the other until a new axis is full, and split where one is too long.
 *
 * <p>Where a file was exported for a batch of fixed size b, its shapes say b instead of the batch; the batch is then
 * found at its place in the order, and a shape that splits it is refused. For b = 1 there is nothing to be found: the
 * file's tensors are those of one sample.
 */
final class Reshaping {

    private final Network network;
    private final Arrangement arrangement;
    private final OptionalLong declaredBatch;

    /** What is left to be taken: an axis of the sample, or the batch, with its size. */
    private record Atom(int axis, long size) {
        boolean isBatch() {
            return axis == Activation.BATCH;
        }
    }

    /**
     * A new axis.
     *
     * @param size how many numbers without the batch
     * @param batch whether the file says that it is a multiple of the batch
     */
    record Target(long size, boolean batch) {}

    /** @param declaredBatch the size of the batch for which the file was made, if it is a number */
    Reshaping(Network network, Arrangement arrangement, OptionalLong declaredBatch) {
        this.network = network;
        this.arrangement = arrangement;
        this.declaredBatch = declaredBatch;
    }

    /** @param shape sizes as the operator has them: −1 once for the rest; zeros are resolved */
    Activation reshape(Activation activation, Constant shape, boolean zeroCopies, String name) {
        List<Target> targets = targets(activation, shape, zeroCopies);
        List<List<Atom>> groups = match(activation, targets);
        if (groups.isEmpty() && !targets.isEmpty()) {
            Activation flat = flattened(activation, targets, name);
            groups = match(flat, targets);
            if (groups.isEmpty()) {
                throw impossible(activation, targets);
            }
            return refined(flat, groups, name);
        }
        return refined(activation, groups, name);
    }

    private Refusal impossible(Activation activation, List<Target> targets) {
        return new Refusal("reshapes a tensor with axes %s to %s, which mixes samples or cannot be followed"
                .formatted(described(activation), described(targets)));
    }

    private static String described(Activation activation) {
        List<String> axes = new ArrayList<>();
        for (int axis = 0; axis < activation.rank(); axis++) {
            axes.add(described(activation.size(axis), activation.holdsBatch(axis)));
        }
        return axes.toString();
    }

    private static String described(List<Target> targets) {
        return targets.stream()
                .map(target -> described(target.size(), target.batch()))
                .toList()
                .toString();
    }

    private static String described(long size, boolean batch) {
        return batch ? (size == 1 ? "N" : size + "·N") : String.valueOf(size);
    }

    /** The new sizes; −1 is worked out. */
    private List<Target> targets(Activation activation, Constant shape, boolean zeroCopies) {
        List<Target> targets = new ArrayList<>();
        int open = -1;
        long known = 1;
        boolean batch = false;
        for (int i = 0; i < shape.values().length; i++) {
            long size = (long) shape.values()[i];
            double multiple = shape.multiple(i);
            if (multiple != 0) {
                if (size != 0 || multiple < 0 || multiple != Math.rint(multiple)) {
                    throw new Refusal("reshapes to a size that is no multiple of the batch's");
                }
                targets.add(new Target((long) multiple, true));
            } else if (size == 0 && zeroCopies) {
                if (i >= activation.rank()) {
                    throw new Refusal("keeps axis %d of a tensor with %d axes".formatted(i, activation.rank()));
                }
                targets.add(new Target(activation.size(i), activation.holdsBatch(i)));
            } else if (size == -1) {
                open = i;
                targets.add(new Target(1, false));
                continue;
            } else if (size < 1) {
                throw new Refusal("reshapes to the size %d".formatted(size));
            } else {
                targets.add(new Target(size, false));
            }
            known = Math.multiplyExact(known, targets.get(i).size());
            batch |= targets.get(i).batch();
        }
        if (open >= 0) {
            long total = activation.sample().elements();
            boolean holdsBatch = !batch && declaredBatch.isEmpty();
            long all = batch || declaredBatch.isEmpty() ? total : total * declaredBatch.getAsLong();
            if (known == 0 || all % known != 0) {
                throw new Refusal("reshapes a tensor with axes %s to sizes whose product is %d"
                        .formatted(described(activation), known));
            }
            targets.set(open, new Target(all / known, holdsBatch));
        }
        return targets;
    }

    /** The groups of atoms of all targets; empty if they do not fit. */
    private List<List<Atom>> match(Activation activation, List<Target> targets) {
        List<Atom> rest = new ArrayList<>();
        for (List<Integer> group : activation.axes()) {
            for (int axis : group) {
                if (axis == Activation.BATCH) {
                    rest.add(new Atom(axis, declaredBatch.orElse(0)));
                } else if (activation.sample().size(axis) > 1) {
                    rest.add(new Atom(axis, activation.sample().size(axis)));
                }
            }
        }
        List<List<Atom>> groups = new ArrayList<>();
        for (Target target : targets) {
            List<Atom> group = new ArrayList<>();
            if (!take(rest, target, group)) {
                return List.of();
            }
            groups.add(group);
        }
        return rest.isEmpty() ? groups : List.of();
    }

    /** Takes atoms until a target is full; false if they do not fit. */
    private boolean take(List<Atom> rest, Target target, List<Atom> group) {
        long size = target.size();
        boolean batch = target.batch();
        while (size > 1 || batch) {
            if (rest.isEmpty()) {
                return false;
            }
            Atom next = rest.remove(0);
            if (next.isBatch()) {
                boolean said = batch;
                batch = false;
                if (!said && (next.size() == 0 || size % next.size() != 0)) {
                    return false;
                }
                size = said ? size : size / next.size();
                group.add(next);
            } else if (size % next.size() == 0) {
                size /= next.size();
                group.add(next);
            } else if (size > 1 && next.size() % size == 0) {
                group.add(new Atom(next.axis(), size));
                rest.add(0, new Atom(next.axis(), next.size() / size));
                size = 1;
            } else {
                return false;
            }
        }
        return true;
    }

    /** All axes of a sample as one, where the batch is axis 0 before and after. */
    private Activation flattened(Activation activation, List<Target> targets, String name) {
        boolean batchOfOne = arrangement.batch().isEmpty();
        long size = targets.get(0).size();
        boolean stays =
                targets.get(0).batch() ? size == 1 : declaredBatch.isPresent() && size == declaredBatch.getAsLong();
        if (!batchOfOne && !(activation.isBatchFirst() && stays)) {
            throw impossible(activation, targets);
        }
        List<Integer> all = activation.axes().stream()
                .flatMap(List::stream)
                .filter(axis -> axis != Activation.BATCH)
                .toList();
        String node = arrangement.node(activation, List.of(all), name);
        return arrangement.plain(node, activation.type());
    }

    /** With axes of the node's samples split as the groups say. */
    private Activation refined(Activation activation, List<List<Atom>> groups, String name) {
        Shape sample = activation.sample();
        List<List<Long>> parts = new ArrayList<>();
        for (int axis = 0; axis < sample.rank(); axis++) {
            parts.add(new ArrayList<>());
        }
        groups.forEach(group -> group.stream()
                .filter(atom -> !atom.isBatch())
                .forEach(atom -> parts.get(atom.axis()).add(atom.size())));
        List<Integer> starts = new ArrayList<>();
        List<Long> sizes = new ArrayList<>();
        for (int axis = 0; axis < sample.rank(); axis++) {
            starts.add(sizes.size());
            if (parts.get(axis).isEmpty()) {
                sizes.add(sample.size(axis));
            } else {
                sizes.addAll(parts.get(axis));
            }
        }
        List<Integer> next = new ArrayList<>(starts);
        List<List<Integer>> axes = new ArrayList<>();
        for (List<Atom> group : groups) {
            List<Integer> own = new ArrayList<>();
            for (Atom atom : group) {
                if (atom.isBatch()) {
                    own.add(Activation.BATCH);
                } else {
                    own.add(next.get(atom.axis()));
                    next.set(atom.axis(), next.get(atom.axis()) + 1);
                }
            }
            axes.add(own);
        }
        if (sizes.size() == sample.rank()) {
            return activation.with(axes);
        }
        String node = network.view(name + "_reshape", "Reshape", Map.of("shape", sizes), activation.node());
        return new Activation(node, network.sample(node), axes, activation.type());
    }
}
