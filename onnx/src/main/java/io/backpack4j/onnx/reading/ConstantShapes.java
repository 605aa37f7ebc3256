// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.onnx.proto.OnnxFile;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Works out operators that move the elements of constants. */
final class ConstantShapes {

    private ConstantShapes() {}

    static @Nullable Constant fold(Call call) {
        return switch (call.node().operator()) {
            case "Constant" -> constant(call);
            case "Identity" -> identity(call);
            case "CastLike" -> call.constant(0).as(call.constant(1).type());
            case "Cast" -> call.constant(0).as(ElementType.of(call.integer("to", 0)));
            case "Shape" -> shape(call);
            case "Gather" -> gather(call.constant(0), call.constant(1), call.integer("axis", 0));
            case "Concat" -> concat(call);
            case "Unsqueeze" -> unsqueezed(call.constant(0), call.axes(1).orElse(List.of()));
            case "Squeeze" -> squeeze(call);
            case "Slice" -> slice(call);
            case "Reshape" -> reshape(call);
            case "Flatten" -> flatten(call);
            case "Transpose" -> transpose(call);
            case "Expand" -> Folding.expanded(call.constant(0), call.constant(1));
            default -> null;
        };
    }

    private static Constant constant(Call call) {
        for (OnnxFile.Attribute attribute : call.node().attributes().values()) {
            switch (attribute.name()) {
                case "value" -> {
                    return Constant.of(
                            call.tensor("value").orElseThrow(() -> new Refusal("has no value")),
                            call.node().outputs().get(0),
                            false);
                }
                case "value_float" -> {
                    return Constant.of(ElementType.FLOAT, List.of(), attribute.number());
                }
                case "value_int" -> {
                    return Constant.of(ElementType.INT64, List.of(), attribute.integer());
                }
                case "value_floats" -> {
                    return Constant.of(
                            ElementType.FLOAT,
                            List.of((long) attribute.numbers().size()),
                            attribute.numbers().stream()
                                    .mapToDouble(Float::doubleValue)
                                    .toArray());
                }
                case "value_ints" -> {
                    return Constant.row(attribute.integers().stream()
                            .mapToDouble(Long::doubleValue)
                            .toArray());
                }
                default -> {}
            }
        }
        throw new Refusal("holds no numbers");
    }

    /** Exporters that merge equal initializers leave an Identity with the name of the second one. */
    private static Constant identity(Call call) {
        return call.constant(0).named(call.node().outputs().get(0));
    }

    private static Constant shape(Call call) {
        Constant x = call.constant(0);
        double[] sizes = x.sizes().stream().mapToDouble(Long::doubleValue).toArray();
        double[] multiples = new double[sizes.length];
        if (x.batchAxis() >= 0) {
            sizes[x.batchAxis()] = 0;
            multiples[x.batchAxis()] = 1;
        }
        return part(call, Constant.of(ElementType.INT64, List.of((long) sizes.length), sizes, multiples));
    }

    /** From start to end, as newer versions of Shape have it. */
    static Constant part(Call call, Constant shape) {
        int rank = shape.values().length;
        int start = bound(call.integer("start", 0), rank);
        int end = bound(call.integer("end", rank), rank);
        return shape.picked(
                List.of((long) Math.max(0, end - start)),
                IntStream.range(start, Math.max(start, end)).toArray());
    }

    private static int bound(long place, int rank) {
        return (int) Math.max(0, Math.min(rank, place < 0 ? place + rank : place));
    }

    static Constant gather(Constant data, Constant indices, long axisGiven) {
        int axis = Activation.axis(axisGiven, data.rank());
        requireAlone(data);
        List<Long> sizes = new ArrayList<>(data.sizes().subList(0, axis));
        sizes.addAll(indices.sizes());
        sizes.addAll(data.sizes().subList(axis + 1, data.rank()));
        int[] places = new int[Folding.limited(sizes)];
        long length = data.sizes().get(axis);
        int inner = Folding.limited(data.sizes().subList(axis + 1, data.rank()));
        int count = indices.values().length;
        for (int i = 0; i < places.length; i++) {
            long index = (long) indices.values()[i / inner % count];
            long positive = index < 0 ? index + length : index;
            if (positive < 0 || positive >= length) {
                throw new Refusal("picks element %d of %d".formatted(index, length));
            }
            places[i] = (int) (((long) (i / inner / count) * length + positive) * inner + i % inner);
        }
        return data.picked(sizes, places);
    }

    private static void requireAlone(Constant constant) {
        if (constant.batchAxis() >= 0) {
            throw new Refusal("takes a constant that was repeated for the batch, which is not supported");
        }
    }

    private static Constant concat(Call call) {
        List<Constant> all =
                IntStream.range(0, call.inputs()).mapToObj(call::constant).toList();
        int axis = Activation.axis(call.integer("axis", 0), all.get(0).rank());
        List<Long> sizes = new ArrayList<>(all.get(0).sizes());
        sizes.set(axis, all.stream().mapToLong(part -> part.sizes().get(axis)).sum());
        double[] values = new double[Folding.limited(sizes)];
        double[] multiples = new double[values.length];
        long outer = sizes.subList(0, axis).stream().reduce(1L, Math::multiplyExact);
        int next = 0;
        for (int block = 0; block < outer; block++) {
            for (Constant part : all) {
                requireAlone(part);
                int length = (int) (part.elements() / Math.max(1, outer));
                for (int i = 0; i < length && next < values.length; i++) {
                    values[next] = part.values()[block * length + i];
                    multiples[next++] = part.multiple(block * length + i);
                }
            }
        }
        if (next != values.length) {
            throw new Refusal("joins constants whose sizes do not fit");
        }
        return Constant.of(all.get(0).type(), sizes, values, multiples);
    }

    private static Constant unsqueezed(Constant x, List<Long> axes) {
        int rank = x.rank() + axes.size();
        List<Integer> places =
                axes.stream().map(axis -> Activation.axis(axis, rank)).toList();
        List<Long> sizes = new ArrayList<>();
        int next = 0;
        for (int axis = 0; axis < rank; axis++) {
            sizes.add(places.contains(axis) ? Long.valueOf(1) : x.sizes().get(next++));
        }
        return x.reshaped(sizes);
    }

    private static Constant squeeze(Call call) {
        Constant x = call.constant(0);
        List<Integer> dropped = call.axes(1)
                .map(axes -> axes.stream()
                        .map(axis -> Activation.axis(axis, x.rank()))
                        .toList())
                .orElse(IntStream.range(0, x.rank())
                        .filter(axis -> x.sizes().get(axis) == 1)
                        .boxed()
                        .toList());
        return x.reshaped(IntStream.range(0, x.rank())
                .filter(axis -> !dropped.contains(axis))
                .mapToObj(x.sizes()::get)
                .toList());
    }

    private static Constant slice(Call call) {
        Constant x = call.constant(0);
        List<Slices.Range> ranges = Slices.of(call, x.rank());
        Constant result = x;
        for (Slices.Range range : ranges) {
            if (x.batchAxis() == range.axis()) {
                throw new Refusal("cuts the batch");
            }
            long length = x.sizes().get(range.axis());
            if (!range.isWhole(length)) {
                result = gather(result, Constant.row(range.places(length)), range.axis());
            }
        }
        return result;
    }

    private static Constant reshape(Call call) {
        Constant x = call.constant(0);
        Constant shape = call.constant(1);
        List<Long> sizes = new ArrayList<>();
        if (shape.dependsOnBatch()) {
            throw new Refusal("gives a constant the batch's size");
        }
        long known = 1;
        int open = -1;
        for (int i = 0; i < shape.values().length; i++) {
            long size = (long) shape.values()[i];
            if (size == 0 && call.integer("allowzero", 0) == 0 && i < x.rank()) {
                size = x.sizes().get(i);
            }
            open = size == -1 ? i : open;
            known = size == -1 ? known : Math.multiplyExact(known, size);
            sizes.add(size);
        }
        if (open >= 0) {
            if (known == 0 || x.elements() % known != 0) {
                throw new Refusal("reshapes a constant of sizes %s to %s".formatted(x.sizes(), sizes));
            }
            sizes.set(open, x.elements() / known);
        }
        if (sizes.stream().anyMatch(size -> size < 0)
                || sizes.stream().reduce(1L, Math::multiplyExact) != x.elements()) {
            throw new Refusal("reshapes a constant of sizes %s to %s".formatted(x.sizes(), sizes));
        }
        return x.reshaped(sizes);
    }

    private static Constant flatten(Call call) {
        Constant x = call.constant(0);
        long given = call.integer("axis", 1);
        int axis = (int) (given < 0 ? given + x.rank() : given);
        if (axis < 0 || axis > x.rank()) {
            throw new Refusal("names axis %d of a constant with %d axes".formatted(given, x.rank()));
        }
        long outer = x.sizes().subList(0, axis).stream().reduce(1L, Math::multiplyExact);
        return x.reshaped(List.of(outer, outer == 0 ? 0 : x.elements() / outer));
    }

    private static Constant transpose(Call call) {
        Constant x = call.constant(0);
        List<Integer> order = call.integers("perm")
                .map(perm -> perm.stream()
                        .map(axis -> Activation.axis(axis, x.rank()))
                        .toList())
                .orElse(IntStream.range(0, x.rank())
                        .mapToObj(axis -> x.rank() - 1 - axis)
                        .toList());
        if (order.stream().distinct().count() != x.rank()) {
            throw new Refusal("has the permutation " + order);
        }
        return x.permuted(order);
    }
}
