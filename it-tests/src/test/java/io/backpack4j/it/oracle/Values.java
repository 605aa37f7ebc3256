// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * An array of {@link Value}s of one sample in row-major order: axis 0 is the first one behind the batch.
 *
 * @param shape the sizes of its axes
 * @param elements its elements
 */
public record Values(int[] shape, List<Value> elements) {

    public Values {
        elements = List.copyOf(elements);
        if (Arrays.stream(shape).reduce(1, (a, b) -> a * b) != elements.size()) {
            throw new IllegalArgumentException(elements.size() + " elements do not fill " + Arrays.toString(shape));
        }
    }

    static Values of(Numbers numbers, Function<Double, Value> make) {
        return new Values(
                numbers.shape(),
                Arrays.stream(numbers.values()).boxed().map(make).toList());
    }

    /** Makes every element by its index. */
    static Values fill(int[] shape, Function<int[], Value> element) {
        List<Value> elements = new ArrayList<>();
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        for (int position = 0; position < count; position++) {
            int[] index = new int[shape.length];
            int rest = position;
            for (int axis = shape.length - 1; axis >= 0; axis--) {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            elements.add(element.apply(index));
        }
        return new Values(shape, elements);
    }

    Value at(int... index) {
        int position = 0;
        for (int axis = 0; axis < shape.length; axis++) {
            position = position * shape[axis] + index[axis];
        }
        return elements.get(position);
    }

    Values map(UnaryOperator<Value> operation) {
        return new Values(shape, elements.stream().map(operation).toList());
    }

    /** Axes of size one stretch. */
    Values combine(Values other, BinaryOperator<Value> operation) {
        if (shape.length != other.shape.length) {
            throw new IllegalArgumentException(Arrays.toString(shape) + " and " + Arrays.toString(other.shape));
        }
        int[] stretched = shape.clone();
        for (int axis = 0; axis < stretched.length; axis++) {
            if (shape[axis] != other.shape[axis] && shape[axis] != 1 && other.shape[axis] != 1) {
                throw new IllegalArgumentException(Arrays.toString(shape) + " and " + Arrays.toString(other.shape));
            }
            stretched[axis] = Math.max(shape[axis], other.shape[axis]);
        }
        return fill(stretched, index -> operation.apply(at(within(index)), other.at(other.within(index))));
    }

    private int[] within(int... index) {
        int[] inside = index.clone();
        for (int axis = 0; axis < inside.length; axis++) {
            inside[axis] = Math.min(inside[axis], shape[axis] - 1);
        }
        return inside;
    }

    double[] numbers() {
        return elements.stream().mapToDouble(Value::number).toArray();
    }
}
