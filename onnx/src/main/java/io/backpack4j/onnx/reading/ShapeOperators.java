// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Operators that move numbers, or only look at them in another way. */
final class ShapeOperators {

    private ShapeOperators() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("Identity", call -> call.output(call.input(0)));
        all.put("Dropout", ShapeOperators::dropout);
        all.put("Cast", ShapeOperators::cast);
        all.put("CastLike", call -> call.output(call.input(0)));
        all.put("Shape", ShapeOperators::shape);
        all.put("Reshape", call -> reshape(call, call.constant(1), call.integer("allowzero", 0) == 0));
        all.put("Flatten", ShapeOperators::flatten);
        all.put("Transpose", ShapeOperators::transpose);
        all.put("Squeeze", ShapeOperators::squeeze);
        all.put("Unsqueeze", ShapeOperators::unsqueeze);
        all.put("Expand", ShapeOperators::expand);
        all.put("Concat", ShapeOperators::concat);
        all.put("Split", ShapeOperators::split);
        all.put("Slice", ShapeOperators::slice);
        all.put("Gather", ShapeOperators::gather);
    }

    private static void dropout(Call call) {
        boolean trains = call.has(2) && call.constant(2).scalar() != 0;
        Activation x = call.activation(0);
        if (!trains) {
            call.output(x);
            return;
        }
        double rate = call.has(1) ? Call.decimal(call.constant(1).scalar()) : 0.5;
        call.elementwise(x, "Dropout", Map.of("p", rate));
    }

    private static void cast(Call call) {
        Activation x = call.activation(0);
        ElementType to = ElementType.of(call.integer("to", 0));
        boolean real = Operators.isReal(x.type()) && Operators.isReal(to);
        boolean whole = Value.isInteger(x.type()) && (to == ElementType.INT64 || to == ElementType.INT32);
        if (!real && !whole) {
            throw new Refusal(
                    "makes %s of %s, but only real numbers of real ones, and whole ones of whole ones, are possible"
                            .formatted(to, x.type()));
        }
        call.output(new Activation(x.node(), x.sample(), x.axes(), real ? x.type() : to));
    }

    private static void shape(Call call) {
        Activation x = call.activation(0);
        double[] sizes = new double[x.rank()];
        double[] multiples = new double[x.rank()];
        for (int axis = 0; axis < x.rank(); axis++) {
            boolean batch = x.holdsBatch(axis);
            sizes[axis] = batch ? 0 : x.size(axis);
            multiples[axis] = batch ? x.size(axis) : 0;
        }
        call.output(ConstantShapes.part(
                call, Constant.of(ElementType.INT64, List.of((long) sizes.length), sizes, multiples)));
    }

    private static void reshape(Call call, Constant shape, boolean zeroCopies) {
        call.output(call.model().reshaping().reshape(call.activation(0), shape, zeroCopies, call.name()));
    }

    private static void flatten(Call call) {
        Activation x = call.activation(0);
        long given = call.integer("axis", 1);
        int axis = (int) (given < 0 ? given + x.rank() : given);
        if (axis < 0 || axis > x.rank()) {
            throw new Refusal("names axis %d of a tensor with %d axes".formatted(given, x.rank()));
        }
        call.output(x.with(List.of(
                x.axes().subList(0, axis).stream().flatMap(List::stream).toList(),
                x.axes().subList(axis, x.rank()).stream().flatMap(List::stream).toList())));
    }

    private static void transpose(Call call) {
        Activation x = call.activation(0);
        List<Integer> order = call.integers("perm")
                .map(perm -> perm.stream().map(x::axis).toList())
                .orElse(IntStream.range(0, x.rank())
                        .mapToObj(axis -> x.rank() - 1 - axis)
                        .toList());
        if (order.size() != x.rank() || order.stream().distinct().count() != x.rank()) {
            throw new Refusal("has the permutation %s for a tensor with %d axes".formatted(order, x.rank()));
        }
        call.output(x.with(order.stream().map(x.axes()::get).toList()));
    }

    private static void squeeze(Call call) {
        Activation x = call.activation(0);
        List<Integer> dropped = call.axes(1)
                .map(axes -> axes.stream().map(x::axis).toList())
                .orElseGet(() -> IntStream.range(0, x.rank())
                        .filter(axis -> !x.holdsBatch(axis) && x.size(axis) == 1)
                        .boxed()
                        .toList());
        for (int axis : dropped) {
            if (x.holdsBatch(axis) || x.size(axis) != 1) {
                throw new Refusal("drops axis %d, which %s"
                        .formatted(axis, x.holdsBatch(axis) ? "is the batch" : "has size " + x.size(axis)));
            }
        }
        call.output(x.with(IntStream.range(0, x.rank())
                .filter(axis -> !dropped.contains(axis))
                .mapToObj(x.axes()::get)
                .toList()));
    }

    private static void unsqueeze(Call call) {
        Activation x = call.activation(0);
        List<Long> axes = call.axes(1).orElseThrow(() -> new Refusal("has no axes"));
        int rank = x.rank() + axes.size();
        List<Integer> places =
                axes.stream().map(axis -> Activation.axis(axis, rank)).toList();
        List<List<Integer>> result = new ArrayList<>();
        int next = 0;
        for (int axis = 0; axis < rank; axis++) {
            boolean added = places.contains(axis) || next >= x.rank();
            result.add(added ? List.of() : x.axes().get(next++));
        }
        call.output(x.with(result));
    }

    /** Only where nothing is stretched, or along axes of samples, by a sum with zeros. */
    private static void expand(Call call) {
        Activation x = call.activation(0);
        Constant shape = call.constant(1);
        List<Long> wanted = new ArrayList<>();
        int offset = shape.values().length - x.rank();
        for (int axis = 0; axis < shape.values().length; axis++) {
            int own = axis - offset;
            boolean batch = own >= 0 && x.holdsBatch(own);
            long size = (long) shape.values()[axis];
            if (batch || shape.multiple(axis) != 0) {
                boolean same = batch
                        && (shape.multiple(axis) == x.size(own)
                                || (shape.multiple(axis) == 0
                                        && (size == 1
                                                || size
                                                        == x.size(own)
                                                                * call.model()
                                                                        .declaredBatch()
                                                                        .orElse(-1))));
                if (!same) {
                    throw new Refusal("stretches what the network computes to the batch, or the batch");
                }
                wanted.add(1L);
            } else {
                wanted.add(size);
            }
        }
        boolean same = offset <= 0;
        for (int axis = Math.max(0, offset); axis < wanted.size(); axis++) {
            same &= wanted.get(axis) == 1 || x.holdsBatch(axis - offset) || wanted.get(axis) == x.size(axis - offset);
        }
        if (same) {
            call.output(x);
            return;
        }
        Constant zeros = Constant.of(ElementType.FLOAT, wanted, new double[Folding.limited(wanted)]);
        Alignment alignment = Alignment.of(List.of(x, zeros), -1);
        alignment.type();
        String added = call.model().network().add(call.name(), "Sum", Map.of(), alignment.nodes(call), Map.of());
        call.output(call.model().arrangement().result(added, alignment.axes(), x.type()));
    }

    private static void concat(Call call) {
        List<Value> operands = call.all();
        int rank = operands.stream()
                .mapToInt(operand ->
                        operand instanceof Activation activation ? activation.rank() : ((Constant) operand).rank())
                .max()
                .orElse(0);
        int axis = Activation.axis(call.integer("axis", 0), rank);
        Alignment alignment = Alignment.of(operands, axis);
        boolean ones = axis == 0
                && operands.stream()
                        .allMatch(operand -> operand instanceof Activation activation && activation.isBatchFirst());
        if (ones || alignment.axes().get(axis).contains(Activation.BATCH)) {
            throw new Refusal("joins batches");
        }
        ElementType type = alignment.type();
        int place = alignment.axes().get(axis).get(0);
        String added = call.model()
                .network()
                .add(call.name(), "Concat", Map.of("dim", place + 1L), alignment.nodes(call), Map.of());
        call.output(call.model().arrangement().result(added, alignment.axes(), type));
    }

    private static void split(Call call) {
        Activation x = call.activation(0);
        int axis = x.axis(call.integer("axis", 0));
        int count = call.node().outputs().size();
        List<Long> sizes = call.integers("split")
                .or(() -> call.optional(1).map(Constant::integers))
                .orElseGet(() -> even(x.size(axis), count));
        if (sizes.size() != count || sizes.stream().mapToLong(Long::longValue).sum() != x.size(axis)) {
            throw new Refusal("splits %d into %s for %d outputs".formatted(x.size(axis), sizes, count));
        }
        long start = 0;
        for (int i = 0; i < count; i++) {
            call.output(i, cut(call, x, axis, Arrays.asList(start, start + sizes.get(i), null)));
            start += sizes.get(i);
        }
    }

    private static List<Long> even(long size, int count) {
        long each = (size + count - 1) / count;
        List<Long> sizes = new ArrayList<>(Collections.nCopies(count - 1, each));
        sizes.add(size - each * (count - 1));
        return sizes;
    }

    /** @param selection an index, or start, stop and step as Slice has it */
    private static Activation cut(Call call, Activation x, int axis, Object selection) {
        if (x.holdsBatch(axis)) {
            throw new Refusal("picks samples of the batch");
        }
        Arrangement.Arranged arranged = call.model().arrangement().compact(x, call.name(), List.of(axis));
        int place = arranged.axes().get(axis).get(0);
        List<@Nullable Object> slices =
                new ArrayList<>(Collections.nCopies(place + 1, Arrays.asList(null, null, null)));
        slices.add(selection);
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("slices", slices);
        String added = call.model().network().view(call.name(), "Slice", arguments, arranged.node());
        List<List<Integer>> axes = new ArrayList<>(arranged.axes());
        if (selection instanceof Long) {
            axes.remove(axis);
            axes.replaceAll(group ->
                    group.stream().map(own -> own > place ? own - 1 : own).toList());
        }
        return call.model().arrangement().result(added, axes, x.type());
    }

    private static void slice(Call call) {
        Activation x = call.activation(0);
        for (Slices.Range range : Slices.of(call, x.rank())) {
            if (x.holdsBatch(range.axis())) {
                boolean whole = range.step() == 1 && range.start() == 0 && range.end() >= Integer.MAX_VALUE;
                long batch = call.model().declaredBatch().orElse(-1);
                if (!whole
                        && !(range.step() == 1 && range.start() == 0 && range.end() == batch * x.size(range.axis()))) {
                    throw new Refusal("cuts the batch");
                }
                continue;
            }
            long length = x.size(range.axis());
            if (range.isWhole(length)) {
                continue;
            }
            if (range.step() < 1) {
                throw new Refusal("has the step %d, but only positive ones are possible".formatted(range.step()));
            }
            long from = range.from(length);
            long to = range.to(length);
            if (to <= from) {
                throw new Refusal("cuts nothing out of an axis of size %d".formatted(length));
            }
            x = cut(call, x, range.axis(), List.of(from, to, range.step()));
        }
        call.output(x);
    }

    private static void gather(Call call) {
        long axis = call.integer("axis", 0);
        if (call.input(0) instanceof Constant table) {
            embedding(call, table, Activation.axis(axis, table.rank()));
            return;
        }
        Activation x = call.activation(0);
        Constant indices = call.constant(1);
        int place = x.axis(axis);
        if (indices.elements() != 1 || indices.rank() > 1) {
            contiguous(call, x, place, indices);
            return;
        }
        long given = indices.integers().get(0);
        long index = given < 0 ? given + x.size(place) : given;
        if (index < 0 || index >= x.size(place)) {
            throw new Refusal("picks element %d of an axis of size %d".formatted(given, x.size(place)));
        }
        call.output(
                indices.rank() == 0 ? cut(call, x, place, index) : cut(call, x, place, List.of(index, index + 1, 1L)));
    }

    /** Neighbours, or elements with equal distances, are a slice. */
    private static void contiguous(Call call, Activation x, int axis, Constant indices) {
        List<Long> places = indices.integers();
        long step = places.size() > 1 ? places.get(1) - places.get(0) : 0;
        boolean even = indices.rank() == 1
                && step > 0
                && places.get(0) >= 0
                && IntStream.range(1, places.size()).allMatch(i -> places.get(i) - places.get(i - 1) == step);
        if (!even) {
            throw new Refusal("picks the elements %s, but only one, or ones with equal distances, are possible"
                    .formatted(places.size() > 8 ? places.subList(0, 8) + " …" : places));
        }
        long end = places.get(places.size() - 1) + 1;
        call.output(cut(call, x, axis, List.of(places.get(0), end, step)));
    }

    private static void embedding(Call call, Constant table, int axis) {
        Activation ids = call.activation(1);
        if (axis != 0 || table.rank() != 2 || !Value.isInteger(ids.type())) {
            throw new Refusal(
                    "looks %s up along axis %d of a table of sizes %s, but only rows of a matrix, by whole numbers, are possible"
                            .formatted(ids.type(), axis, table.sizes()));
        }
        String name = Names.ofModule(call.node(), List.of(call.origin(0)));
        Arrangement.Arranged arranged = call.model().arrangement().compact(ids, name, List.of());
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("num_embeddings", table.sizes().get(0));
        arguments.put("embedding_dim", table.sizes().get(1));
        String added = call.model()
                .network()
                .add(
                        name,
                        "Embedding",
                        arguments,
                        List.of(arranged.node()),
                        Map.of("weight", new Network.Numbers(table, true)));
        List<List<Integer>> axes = new ArrayList<>(arranged.axes());
        axes.add(List.of(call.model().network().sample(added).rank() - 1));
        call.output(call.model().arrangement().result(added, axes, table.type()));
    }
}
