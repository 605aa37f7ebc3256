// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.onnx.proto.StoredTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A tensor whose numbers are known: an initializer, or what is computed of such and of shapes. Elements of shapes may
 * be a multiple of the batch's size plus a number.
 */
final class Constant implements Value {

    /** The most elements that are computed with; initializers that only become parameters may have any number. */
    private static final long MOST = 1 << 24;

    private final ElementType type;
    private final List<Long> sizes;
    private final Optional<Origin> origin;
    private final int batchAxis;
    private double @Nullable [] values;
    private final double @Nullable [] multiples;

    /**
     * Where a constant's numbers are in the file.
     *
     * @param tensor the initializer
     * @param name that of the initializer, or the one that an Identity gave it
     * @param strides by how many elements of the initializer neighbours along an axis are apart
     * @param trained whether it is an initializer of the graph, and no constant of a node
     */
    record Origin(StoredTensor tensor, String name, List<Long> strides, boolean trained) {}

    private Constant(
            ElementType type,
            List<Long> sizes,
            Optional<Origin> origin,
            int batchAxis,
            double @Nullable [] values,
            double @Nullable [] multiples) {
        this.type = type;
        this.sizes = List.copyOf(sizes);
        this.origin = origin;
        this.batchAxis = batchAxis;
        this.values = values;
        this.multiples = multiples;
    }

    /** A tensor of the file. */
    static Constant of(StoredTensor tensor, String name, boolean trained) {
        Origin origin = new Origin(tensor, name, strides(tensor.sizes()), trained);
        return new Constant(tensor.type(), tensor.sizes(), Optional.of(origin), -1, null, null);
    }

    /** Numbers. */
    static Constant of(ElementType type, List<Long> sizes, double... values) {
        return new Constant(type, sizes, Optional.empty(), -1, values, null);
    }

    /** Numbers plus multiples of the batch's size. */
    static Constant of(ElementType type, List<Long> sizes, double[] values, double @Nullable [] multiples) {
        boolean plain = multiples == null || Arrays.stream(multiples).allMatch(value -> value == 0);
        return new Constant(type, sizes, Optional.empty(), -1, values, plain ? null : multiples);
    }

    /** Whole numbers in a row. */
    static Constant row(double... values) {
        return of(ElementType.INT64, List.of((long) values.length), values);
    }

    static List<Long> strides(List<Long> sizes) {
        Long[] strides = new Long[sizes.size()];
        long stride = 1;
        for (int axis = sizes.size() - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= sizes.get(axis);
        }
        return List.of(strides);
    }

    ElementType type() {
        return type;
    }

    /** The sizes of the axes; that of the batch, if there is one, is 1. */
    List<Long> sizes() {
        return sizes;
    }

    int rank() {
        return sizes.size();
    }

    /** Where the numbers are in the file, if they were not computed. */
    Optional<Origin> origin() {
        return origin;
    }

    /** The axis that is as long as the batch, all along which the numbers are equal; −1 if there is none. */
    int batchAxis() {
        return batchAxis;
    }

    long elements() {
        return sizes.stream().reduce(1L, Math::multiplyExact);
    }

    boolean isScalar() {
        return batchAxis < 0 && elements() == 1;
    }

    /** Whether an element is a multiple of the batch's size. */
    boolean dependsOnBatch() {
        return multiples != null;
    }

    /** By how many sizes of the batch element i grows. */
    double multiple(int i) {
        return multiples == null ? 0 : multiples[i];
    }

    /** The numbers, row-major; those of the batch's size count as zero. */
    double[] values() {
        double[] known = values;
        if (known != null) {
            return known;
        }
        Origin from = origin.orElseThrow();
        if (!from.tensor().type().isReadable()) {
            throw new Refusal("needs the tensor '%s' of %s, which is not supported. Convert the model to float32"
                    .formatted(from.name(), from.tensor().type()));
        }
        if (elements() > MOST) {
            throw new Refusal("computes with the constant '%s' of %d elements; at most %d are possible"
                    .formatted(from.name(), elements(), MOST));
        }
        double[] read = new double[(int) elements()];
        for (int i = 0; i < read.length; i++) {
            read[i] = from.tensor().at(place(i, sizes, from.strides()));
        }
        values = read;
        return read;
    }

    /** Where an element is, of a row-major index. */
    static long place(long index, List<Long> sizes, List<Long> strides) {
        long place = 0;
        long rest = index;
        for (int axis = sizes.size() - 1; axis >= 0; axis--) {
            place += rest % sizes.get(axis) * strides.get(axis);
            rest /= sizes.get(axis);
        }
        return place;
    }

    /** The only number. */
    double scalar() {
        if (elements() != 1 || dependsOnBatch()) {
            throw new Refusal(
                    "needs one number that does not depend on the batch, but it is a tensor of sizes " + sizes);
        }
        return values()[0];
    }

    /** The numbers as whole ones. */
    List<Long> integers() {
        if (dependsOnBatch()) {
            throw new Refusal("needs numbers that do not depend on the batch's size");
        }
        List<Long> integers = new ArrayList<>();
        for (double value : values()) {
            integers.add((long) value);
        }
        return integers;
    }

    /** Axes in another order: axis i is axis order[i] of this. */
    Constant permuted(List<Integer> order) {
        List<Long> other = order.stream().map(sizes::get).toList();
        Optional<Origin> moved = origin.map(from -> new Origin(
                from.tensor(),
                from.name(),
                order.stream().map(from.strides()::get).toList(),
                from.trained()));
        int batch = batchAxis < 0 ? -1 : order.indexOf(batchAxis);
        if (moved.isPresent() && values == null) {
            return new Constant(type, other, moved, batch, null, null);
        }
        List<Long> own = strides(sizes);
        List<Long> strides = order.stream().map(own::get).toList();
        int[] places = new int[(int) elements()];
        for (int i = 0; i < places.length; i++) {
            places[i] = (int) place(i, other, strides);
        }
        return new Constant(type, other, moved, batch, picked(values(), places), pickedOrNull(multiples, places));
    }

    /** Other sizes with as many elements. */
    Constant reshaped(List<Long> other) {
        if (batchAxis >= 0) {
            throw new Refusal("reshapes a constant that was repeated for the batch, which is not supported");
        }
        Optional<Origin> same = origin.filter(from -> from.strides().equals(strides(sizes)))
                .map(from -> new Origin(from.tensor(), from.name(), strides(other), from.trained()));
        if (same.isPresent()) {
            return new Constant(type, other, same, -1, values, multiples);
        }
        Optional<List<Long>> strides = origin.flatMap(from -> withoutOnes(from.strides(), other));
        if (strides.isPresent()) {
            Origin from = origin.get();
            Origin moved = new Origin(from.tensor(), from.name(), strides.get(), from.trained());
            return new Constant(type, other, Optional.of(moved), -1, values, multiples);
        }
        return new Constant(type, other, Optional.empty(), -1, values(), multiples);
    }

    /** Strides if only axes of size one come or go. */
    private Optional<List<Long>> withoutOnes(List<Long> strides, List<Long> other) {
        List<Long> here = new ArrayList<>();
        for (int axis = 0; axis < sizes.size(); axis++) {
            if (sizes.get(axis) != 1) {
                here.add(strides.get(axis));
            }
        }
        List<Long> kept = sizes.stream().filter(size -> size != 1).toList();
        if (!kept.equals(other.stream().filter(size -> size != 1).toList())) {
            return Optional.empty();
        }
        List<Long> result = new ArrayList<>();
        int next = 0;
        for (long size : other) {
            result.add(size == 1 ? Long.valueOf(1) : here.get(next++));
        }
        return Optional.of(result);
    }

    /** Repeated for the batch along an axis of size one. */
    Constant repeated(int axis) {
        return new Constant(type, sizes, origin, axis, values, multiples);
    }

    /** With the name that an Identity gives it. */
    Constant named(String name) {
        return new Constant(
                type,
                sizes,
                origin.map(from -> new Origin(from.tensor(), name, from.strides(), from.trained())),
                batchAxis,
                values,
                multiples);
    }

    /** Of another type, the numbers the same. */
    Constant as(ElementType other) {
        if (other == type) {
            return this;
        }
        boolean keeps = type.isFloating() == other.isFloating() && other != ElementType.BOOL;
        double[] numbers = values;
        if (other == ElementType.BOOL) {
            numbers = Arrays.stream(values()).map(value -> value == 0 ? 0 : 1).toArray();
        } else if (!keeps) {
            numbers = other.isFloating()
                    ? values()
                    : Arrays.stream(values())
                            .map(value -> (double) (long) value)
                            .toArray();
        }
        return new Constant(other, sizes, keeps ? origin : Optional.empty(), batchAxis, numbers, multiples);
    }

    /** Elements at places. */
    Constant picked(List<Long> other, int... places) {
        return of(type, other, picked(values(), places), pickedOrNull(multiples, places));
    }

    private static double[] picked(double[] from, int... places) {
        double[] picked = new double[places.length];
        for (int i = 0; i < places.length; i++) {
            picked[i] = from[places[i]];
        }
        return picked;
    }

    private static double @Nullable [] pickedOrNull(double @Nullable [] from, int... places) {
        return from == null ? null : picked(from, places);
    }
}
