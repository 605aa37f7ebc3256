// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pooling as its definitions say: every input is asked whether it lies under the window. */
final class HeapPooling implements Pooling {

    private final HeapBackend backend;

    HeapPooling(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public void maximum(Window window, Tensor x, Tensor destination, Tensor indices) {
        HeapChecks.require(x.shape().rank() == 2 + window.axes(), "%s does not slide over %s", window, x);
        maximum(x, destination, indices, (axis, output, input) -> {
            long start = output * window.stride().get(axis) - window.padding().get(axis);
            long dilation = window.dilation().get(axis);
            long distance = input - start;
            return distance >= 0
                    && distance % dilation == 0
                    && distance / dilation < window.kernel().get(axis);
        });
    }

    @Override
    public void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices) {
        maximum(x, destination, indices, (axis, output, input) -> {
            long in = x.shape().size(2 + axis);
            long out = destination.shape().size(2 + axis);
            // floor(output · in/out) ≤ input < ceil((output + 1) · in/out)
            return output * in / out <= input && input * out < (output + 1) * in;
        });
    }

    /** Whether a window covers an input, along one axis. */
    private interface Coverage {
        boolean covers(int axis, int output, int input);
    }

    private void maximum(Tensor x, Tensor destination, Tensor indices, Coverage coverage) {
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        HeapTensor places = backend.own(indices);
        HeapChecks.floating(out, in);
        HeapChecks.integers(places);
        HeapChecks.shape(places, out.shape());
        HeapChecks.apart(out, in);
        Shape inputs = planes(in.shape(), out.shape());
        Shape outputs = out.shape().dropFirst(2);
        for (int i = 0; i < out.size(); i++) {
            int[] output = Positions.indices(outputs, i % (int) outputs.elements());
            int plane = i / (int) outputs.elements() * (int) inputs.elements();
            int best = -1;
            for (int j = 0; j < inputs.elements(); j++) {
                if (covers(coverage, output, Positions.indices(inputs, j))) {
                    boolean better = best < 0
                            || in.get(plane + j) > in.get(plane + best)
                            || (Double.isNaN(in.get(plane + j)) && !Double.isNaN(in.get(plane + best)));
                    best = better ? j : best;
                }
            }
            HeapChecks.require(best >= 0, "The window at %d of %s meets no input of %s", i, outputs, inputs);
            out.set(i, in.get(plane + best));
            places.setInteger(i, best);
        }
    }

    private static boolean covers(Coverage coverage, int[] output, int[] input) {
        boolean covered = true;
        for (int axis = 0; axis < output.length; axis++) {
            covered &= coverage.covers(axis, output[axis], input[axis]);
        }
        return covered;
    }

    /** The spatial axes of the first of two shapes with equal batches and channels. */
    private static Shape planes(Shape one, Shape other) {
        HeapChecks.require(
                one.rank() == other.rank() && one.rank() >= 2 && one.slice(0, 2).equals(other.slice(0, 2)),
                "Shapes %s and %s do not go together",
                one,
                other);
        return one.dropFirst(2);
    }

    @Override
    public void scatter(Tensor indices, Tensor source, Tensor destination) {
        HeapTensor places = backend.own(indices);
        HeapTensor in = backend.own(source);
        HeapTensor out = backend.own(destination);
        HeapChecks.apart(out, in);
        double[] totals = new double[out.size()];
        for (int i = 0; i < in.size(); i++) {
            totals[place(places, in, out, i)] += in.get(i);
        }
        for (int i = 0; i < totals.length; i++) {
            out.set(i, totals[i]);
        }
    }

    @Override
    public void gather(Tensor x, Tensor indices, Tensor destination) {
        HeapTensor places = backend.own(indices);
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        HeapChecks.apart(out, in);
        for (int i = 0; i < out.size(); i++) {
            out.set(i, in.get(place(places, out, in, i)));
        }
    }

    /** Where the index of the i-th pooled element points to in the tensor before pooling. */
    private static int place(HeapTensor indices, HeapTensor pooled, HeapTensor whole, int i) {
        HeapChecks.integers(indices);
        HeapChecks.floating(pooled, whole);
        Shape inputs = planes(whole.shape(), pooled.shape());
        HeapChecks.shape(indices, pooled.shape().with(0, indices.shape().size(0)));
        HeapChecks.require(pooled.shape().size(0) % indices.shape().size(0) == 0, "Indices %s of %s", indices, pooled);
        long index = indices.getInteger(i % indices.size());
        HeapChecks.require(0 <= index && index < inputs.elements(), "Index %d leaves %s", index, inputs);
        int plane = i / (int) pooled.shape().dropFirst(2).elements();
        return plane * (int) inputs.elements() + (int) index;
    }

    @Override
    public void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out, in);
        HeapChecks.apart(out, in);
        Shape inputs = planes(in.shape(), out.shape());
        Shape outputs = out.shape().dropFirst(2);
        HeapChecks.require(matrices.size() == inputs.rank(), "%d matrices for %s", matrices.size(), in);
        for (int i = 0; i < out.size(); i++) {
            int[] output = Positions.indices(outputs, i % (int) outputs.elements());
            int plane = i / (int) outputs.elements() * (int) inputs.elements();
            double total = 0;
            for (int j = 0; j < inputs.elements(); j++) {
                int[] input = Positions.indices(inputs, j);
                double weight = 1;
                for (int axis = 0; axis < output.length; axis++) {
                    Tensor matrix = matrices.get(axis);
                    weight *= matrix == null
                            ? identity(inputs, outputs, axis, output, input)
                            : element(matrix, transposed, inputs, outputs, axis, output, input);
                }
                total += weight == 0 ? 0 : weight * in.get(plane + j);
            }
            out.set(i, total);
        }
    }

    private static double identity(Shape inputs, Shape outputs, int axis, int[] output, int[] input) {
        HeapChecks.require(
                inputs.size(axis) == outputs.size(axis), "Axis %d of %s and %s differs", axis, inputs, outputs);
        return output[axis] == input[axis] ? 1 : 0;
    }

    private double element(
            Tensor matrix, boolean transposed, Shape inputs, Shape outputs, int axis, int[] output, int[] input) {
        HeapTensor own = backend.own(matrix);
        HeapChecks.floating(own);
        long rows = outputs.size(axis);
        long columns = inputs.size(axis);
        HeapChecks.shape(own, transposed ? Shape.of(columns, rows) : Shape.of(rows, columns));
        int row = transposed ? input[axis] : output[axis];
        int column = transposed ? output[axis] : input[axis];
        return own.get(row * (int) own.shape().size(1) + column);
    }
}
