// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/** Numbers of some samples in an array, row-major, {@code [N, *]}. */
public sealed interface HostTensor {

    /** The shape, {@code [N, *]}. */
    Shape shape();

    /** An element as a double. */
    double value(int index);

    /** Adds this to a batch as an input. */
    void addAsInput(BatchBuilder builder, String name);

    /** Adds this to a batch as targets. */
    void addAsTargets(BatchBuilder builder);

    /** The same array in another shape of as many elements. */
    HostTensor as(Shape other);

    /** Zeros of a type. */
    static HostTensor allocate(DType dtype, Shape shape) {
        int length = Math.toIntExact(shape.elements());
        return switch (dtype) {
            case FLOAT32 -> new Floats(shape, new float[length]);
            case FLOAT64 -> new Doubles(shape, new double[length]);
            case INT64 -> new Longs(shape, new long[length]);
        };
    }

    /** Real numbers in single precision. */
    record Floats(Shape shape, float[] values) implements HostTensor {

        @Override
        public HostTensor as(Shape other) {
            return new Floats(other, values);
        }

        @Override
        public double value(int index) {
            return values[index];
        }

        @Override
        public void addAsInput(BatchBuilder builder, String name) {
            builder.input(name, shape, values);
        }

        @Override
        public void addAsTargets(BatchBuilder builder) {
            double[] wide = new double[values.length];
            for (int i = 0; i < wide.length; i++) {
                wide[i] = values[i];
            }
            builder.targets(shape, wide);
        }
    }

    /** Real numbers in double precision. */
    record Doubles(Shape shape, double[] values) implements HostTensor {

        @Override
        public HostTensor as(Shape other) {
            return new Doubles(other, values);
        }

        @Override
        public double value(int index) {
            return values[index];
        }

        @Override
        public void addAsInput(BatchBuilder builder, String name) {
            builder.input(name, shape, values);
        }

        @Override
        public void addAsTargets(BatchBuilder builder) {
            builder.targets(shape, values);
        }
    }

    /** Integers, such as class indices. */
    record Longs(Shape shape, long[] values) implements HostTensor {

        @Override
        public HostTensor as(Shape other) {
            return new Longs(other, values);
        }

        @Override
        public double value(int index) {
            return values[index];
        }

        @Override
        public void addAsInput(BatchBuilder builder, String name) {
            builder.input(name, shape, values);
        }

        @Override
        public void addAsTargets(BatchBuilder builder) {
            builder.targets(shape, values);
        }
    }
}
