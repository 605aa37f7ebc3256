// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Numbers for the elements of a sample's output, the same for all samples: one for all, or a list, or lists of lists,
 * aligned at the last axes; axes of size one,
 * and missing ones, stretch.
 *
 * @param shape their shape, without axes if there is one number
 * @param values the numbers, row-major
 */
public record ElementNumbers(List<Long> shape, List<Double> values) {

    public ElementNumbers {
        shape = List.copyOf(shape);
        values = List.copyOf(values);
        long elements = shape.stream().mapToLong(size -> size).reduce(1, (a, b) -> a * b);
        if (elements != values.size()) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "The shape %s has %d elements, but there are %d numbers. Give one for every element."
                            .formatted(shape, elements, values.size()));
        }
    }

    /** One for every element of the last axis. */
    public static ElementNumbers of(double... values) {
        List<Double> list = new ArrayList<>();
        for (double value : values) {
            list.add(value);
        }
        return new ElementNumbers(List.of((long) values.length), list);
    }

    /** One for all elements. */
    public static ElementNumbers ofAll(double value) {
        return new ElementNumbers(List.of(), List.of(value));
    }

    /** An argument that is a number or nested lists; null if there is none. */
    static @Nullable ElementNumbers of(Arguments arguments, String name) {
        if (!arguments.has(name)) {
            return null;
        }
        Object given = arguments.value(name);
        List<Long> shape = new ArrayList<>();
        Object first = given;
        while (first instanceof List<?> list && !list.isEmpty()) {
            shape.add((long) list.size());
            first = list.get(0);
        }
        List<Double> values = new ArrayList<>();
        if (!collect(given, shape, 0, values)) {
            throw arguments.wrong(name, "a number, a list of numbers, or lists of such, all of one length", given);
        }
        return new ElementNumbers(shape, values);
    }

    private static boolean collect(@Nullable Object given, List<Long> shape, int axis, List<Double> values) {
        if (axis == shape.size()) {
            return given instanceof Number number && values.add(number.doubleValue());
        }
        return given instanceof List<?> list
                && list.size() == shape.get(axis)
                && list.stream().allMatch(element -> collect(element, shape, axis + 1, values));
    }

    /** A number or nested lists, as a model file has them. */
    Object nested() {
        List<Object> level = Collections.unmodifiableList(new ArrayList<>(values));
        for (int axis = shape.size() - 1; axis > 0; axis--) {
            int size = Math.toIntExact(shape.get(axis));
            List<Object> above = new ArrayList<>();
            for (int from = 0; from < level.size(); from += size) {
                above.add(List.copyOf(level.subList(from, from + size)));
            }
            level = above;
        }
        return shape.isEmpty() ? values.get(0) : level;
    }

    /** Others, made of these. */
    ElementNumbers map(DoubleUnaryOperator function) {
        return new ElementNumbers(
                shape, values.stream().map(function::applyAsDouble).toList());
    }

    /** Refuses numbers that do not stretch to a sample's output. */
    void requireFit(Loss loss, String name, Shape output) {
        int excess = shape.size() - (output.rank() - 1);
        for (int axis = 0; axis < shape.size(); axis++) {
            long expected = axis < excess ? 1 : output.size(axis - excess + 1);
            if (shape.get(axis) != 1 && shape.get(axis) != expected) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH,
                        "Argument '%s' of %s has the shape %s, but must stretch to a sample's output of shape %s: from the last axis on, sizes are equal or 1. Numbers of single samples are no argument of a loss."
                                .formatted(name, loss.type(), shape, output.dropFirst(1)));
            }
        }
    }

    /** The numbers as a tensor that stretches to outputs {@code [N, *]}. */
    Tensor tensor(TensorScope scope, DType dtype, Shape output) {
        int excess = Math.max(0, shape.size() - output.rank());
        long[] sizes = shape.stream().skip(excess).mapToLong(size -> size).toArray();
        Tensor tensor = scope.allocate(Shape.of(sizes), dtype);
        double[] numbers = values.stream().mapToDouble(value -> value).toArray();
        tensor.write(0, numbers, 0, numbers.length);
        return tensor;
    }
}
