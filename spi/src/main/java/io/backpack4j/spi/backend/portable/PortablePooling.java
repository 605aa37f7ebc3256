// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pooling on the host, plane by plane; linear maps by matrix products. */
public final class PortablePooling implements Pooling {

    private final Backend backend;

    /** Creates the pooling of a backend, made of its plain operations. */
    public PortablePooling(Backend backend) {
        this.backend = backend;
    }

    @Override
    public void maximum(Window window, Tensor x, Tensor destination, Tensor indices) {
        maximum(x, destination, indices, window.axes(), (axis, output, size) -> {
            int count = 0;
            int[] positions = new int[window.kernel().get(axis).intValue()];
            for (long k = 0; k < window.kernel().get(axis); k++) {
                long position = output * window.stride().get(axis)
                        + k * window.dilation().get(axis)
                        - window.padding().get(axis);
                if (position >= 0 && position < size) {
                    positions[count++] = (int) position;
                }
            }
            return Arrays.copyOf(positions, count);
        });
    }

    @Override
    public void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices) {
        Shape out = destination.shape().dropFirst(2);
        maximum(x, destination, indices, out.rank(), (axis, output, size) -> {
            int from = (int) (output * size / out.size(axis));
            int to = (int) (((output + 1) * size + out.size(axis) - 1) / out.size(axis));
            int[] positions = new int[to - from];
            Arrays.setAll(positions, i -> from + i);
            return positions;
        });
    }

    /** The positions of an axis that an output position covers. */
    private interface Coverage {
        int[] of(int axis, long output, long inputSize);
    }

    private void maximum(Tensor x, Tensor destination, Tensor indices, int axes, Coverage coverage) {
        requireOwn(x, destination, indices);
        Shape in = x.shape().dropFirst(x.shape().rank() - axes);
        Shape out = destination.shape().dropFirst(destination.shape().rank() - axes);
        int[][][] covered = new int[axes][][];
        for (int axis = 0; axis < axes; axis++) {
            covered[axis] = new int[(int) out.size(axis)][];
            for (int output = 0; output < out.size(axis); output++) {
                covered[axis][output] = coverage.of(axis, output, in.size(axis));
            }
        }
        double[] plane = new double[(int) in.elements()];
        double[] maxima = new double[(int) out.elements()];
        long[] places = new long[maxima.length];
        long planes = maxima.length == 0 ? 0 : destination.shape().elements() / maxima.length;
        int[] position = new int[axes];
        for (long p = 0; p < planes; p++) {
            x.read(p * plane.length, plane, 0, plane.length);
            for (int t = 0; t < maxima.length; t++) {
                int rest = t;
                for (int axis = axes - 1; axis >= 0; axis--) {
                    position[axis] = (int) (rest % out.size(axis));
                    rest /= (int) out.size(axis);
                }
                places[t] = largest(plane, in, covered, position, 0, 0, -1);
                maxima[t] = plane[(int) places[t]];
            }
            destination.write(p * maxima.length, maxima, 0, maxima.length);
            indices.write(p * places.length, places, 0, places.length);
        }
    }

    /** Arrays take numbers from any tensor; this complains about those of other backends. */
    private void requireOwn(Tensor... tensors) {
        try (TensorScope scope = backend.openScope()) {
            for (Tensor tensor : tensors) {
                scope.view(tensor, tensor.shape());
            }
        }
    }

    private static int largest(
            double[] plane, Shape in, int[][][] covered, int[] position, int axis, int base, int best) {
        if (axis == position.length) {
            boolean larger =
                    best < 0 || plane[base] > plane[best] || (Double.isNaN(plane[base]) && !Double.isNaN(plane[best]));
            return larger ? base : best;
        }
        int found = best;
        for (int place : covered[axis][position[axis]]) {
            found = largest(plane, in, covered, position, axis + 1, base * (int) in.size(axis) + place, found);
        }
        return found;
    }

    @Override
    public void scatter(Tensor indices, Tensor source, Tensor destination) {
        requireOwn(indices, source, destination);
        Planes planes = new Planes(indices, destination.shape());
        for (long p = 0; p < planes.count(source); p++) {
            planes.loadIndices(indices, p);
            source.read(p * planes.small.length, planes.small, 0, planes.small.length);
            Arrays.fill(planes.large, 0);
            for (int t = 0; t < planes.small.length; t++) {
                planes.large[(int) planes.places[t]] += planes.small[t];
            }
            destination.write(p * planes.large.length, planes.large, 0, planes.large.length);
        }
    }

    @Override
    public void gather(Tensor x, Tensor indices, Tensor destination) {
        requireOwn(indices, x, destination);
        Planes planes = new Planes(indices, x.shape());
        for (long p = 0; p < planes.count(destination); p++) {
            planes.loadIndices(indices, p);
            x.read(p * planes.large.length, planes.large, 0, planes.large.length);
            for (int t = 0; t < planes.small.length; t++) {
                planes.small[t] = planes.large[(int) planes.places[t]];
            }
            destination.write(p * planes.small.length, planes.small, 0, planes.small.length);
        }
    }

    /** Arrays for one sample and channel. */
    private static final class Planes {

        final double[] large;
        final double[] small;
        final long[] places;
        private final long indexed;

        Planes(Tensor indices, Shape inputs) {
            large = new double[(int) inputs.dropFirst(2).elements()];
            small = new double[(int) indices.shape().dropFirst(2).elements()];
            places = new long[small.length];
            indexed = indices.shape().elements(0, 2);
        }

        long count(Tensor outputs) {
            return outputs.shape().elements(0, 2);
        }

        void loadIndices(Tensor indices, long plane) {
            indices.read(plane % indexed * places.length, places, 0, places.length);
        }
    }

    @Override
    public void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor current = x;
            int last = lastMatrix(matrices);
            for (int axis = 0; axis <= last; axis++) {
                Tensor matrix = matrices.get(axis);
                if (matrix != null) {
                    int at = 2 + axis;
                    Shape shape = current.shape();
                    Shape changed = shape.with(at, destination.shape().size(at));
                    Tensor next = axis == last ? destination : scope.allocate(changed, x.dtype());
                    multiply(scope, matrix, transposed, current, at, next);
                    current = next;
                }
            }
            if (last < 0) {
                backend.elementwise().copy(x, destination);
            }
        }
    }

    private static int lastMatrix(List<@Nullable Tensor> matrices) {
        int last = matrices.size() - 1;
        while (last >= 0 && matrices.get(last) == null) {
            last--;
        }
        return last;
    }

    private void multiply(TensorScope scope, Tensor matrix, boolean transposed, Tensor x, int axis, Tensor to) {
        long outer = x.shape().elements(0, axis);
        long inner = x.shape().elements(axis + 1, x.shape().rank());
        long in = x.shape().size(axis);
        long out = to.shape().size(axis);
        if (inner == 1) {
            Tensor rows = scope.view(x, Shape.of(outer, in));
            backend.products().multiply(rows, false, matrix, !transposed, 1, 0, scope.view(to, Shape.of(outer, out)));
        } else {
            Tensor single = scope.view(matrix, matrix.shape().prepend(1));
            Tensor blocks = scope.view(x, Shape.of(outer, in, inner));
            backend.products()
                    .multiply(single, transposed, blocks, false, 1, 0, scope.view(to, Shape.of(outer, out, inner)));
        }
    }
}
