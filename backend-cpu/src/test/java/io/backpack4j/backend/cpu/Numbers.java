// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** An array of doubles with a shape: the oracle's tensor. Everything is calculated by plain index arithmetic. */
public record Numbers(Shape shape, double[] values) {

    public static Numbers random(Random random, Variant variant, Shape shape) {
        double[] values = new double[(int) shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = variant.round(random.nextDouble() * 2 - 1);
        }
        return new Numbers(shape, values);
    }

    public static Numbers of(Tensor tensor) {
        return new Numbers(tensor.shape(), tensor.toDoubleArray());
    }

    public static Numbers filled(Shape shape, double value) {
        double[] values = new double[(int) shape.elements()];
        Arrays.fill(values, value);
        return new Numbers(shape, values);
    }

    public Tensor on(TensorScope scope, Variant variant) {
        Tensor tensor = scope.allocate(shape, variant.dtype());
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    public double at(int... index) {
        return values[position(index)];
    }

    public int position(int... index) {
        int position = 0;
        for (int axis = 0; axis < index.length; axis++) {
            position = position * (int) shape.size(axis) + index[axis];
        }
        return position;
    }

    /** The index of the i-th element. */
    public int[] index(int position) {
        int[] index = new int[shape.rank()];
        for (int axis = index.length - 1; axis >= 0; axis--) {
            int size = (int) shape.size(axis);
            index[axis] = position % size;
            position /= size;
        }
        return index;
    }

    public Numbers map(DoubleUnaryOperator function) {
        return new Numbers(shape, Arrays.stream(values).map(function).toArray());
    }

    /** The element that a stretched index means. */
    public double stretched(int[] index) {
        int[] own = new int[shape.rank()];
        for (int axis = 0; axis < own.length; axis++) {
            int wide = index[index.length - own.length + axis];
            own[axis] = shape.size(axis) == 1 ? 0 : wide;
        }
        return at(own);
    }

    public static Numbers combine(Numbers a, Numbers b, Shape shape, DoubleBinaryOperator function) {
        Numbers result = filled(shape, 0);
        for (int i = 0; i < result.values.length; i++) {
            int[] index = result.index(i);
            result.values[i] = function.applyAsDouble(a.stretched(index), b.stretched(index));
        }
        return result;
    }

    /** Matrix product of two rank-2 arrays. */
    static double[][] product(double[][] a, double[][] b) {
        int k = b.length;
        int n = k == 0 ? 0 : b[0].length;
        double[][] result = new double[a.length][n];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < n; j++) {
                for (int l = 0; l < k; l++) {
                    result[i][j] += a[i][l] * b[l][j];
                }
            }
        }
        return result;
    }

    public void assertClose(Tensor actual, double tolerance, String what) {
        assertThat(actual.shape()).as(what).isEqualTo(shape);
        double[] found = actual.toDoubleArray();
        for (int i = 0; i < found.length; i++) {
            double expected = values[i];
            boolean special = Double.isNaN(expected) || Double.isInfinite(expected);
            boolean close = special
                    ? Double.compare(found[i], expected) == 0
                    : Math.abs(found[i] - expected) <= tolerance * Math.max(1, Math.abs(expected));
            if (!close) {
                fail(
                        "%s at %s of %s, seed %d: expected %s, found %s",
                        what, Arrays.toString(index(i)), shape, Variant.seed(), expected, found[i]);
            }
        }
    }
}
