// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.backend.portable.PortablePooling;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pooling plane by plane, in double precision whatever the type; linear maps as matrix products. */
final class HostPooling implements Pooling {

    private final NativeBackend backend;
    private final Pooling portable;

    HostPooling(NativeBackend backend) {
        this.backend = backend;
        this.portable = new PortablePooling(backend);
    }

    @Override
    public void maximum(Window window, Tensor x, Tensor destination, Tensor indices) {
        Shape in = x.shape().dropFirst(2);
        Shape out = destination.shape().dropFirst(2);
        maximum(WindowedPlaces.of(window, in, out), x, destination, indices);
    }

    @Override
    public void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices) {
        Shape in = x.shape().dropFirst(2);
        Shape out = destination.shape().dropFirst(2);
        maximum(WindowedPlaces.adaptive(in, out), x, destination, indices);
    }

    private void maximum(WindowedPlaces windows, Tensor x, Tensor destination, Tensor indices) {
        CpuTensor from = backend.own(x);
        CpuTensor to = backend.own(destination);
        CpuTensor found = backend.own(indices);
        if (to.elements == 0) {
            return;
        }
        int inputs = planeSize(from);
        int outputs = planeSize(to);
        int width = Math.toIntExact(from.shape().size(-1));
        PlaneBuffers buffers = PlaneBuffers.get();
        double[] plane = buffers.large(inputs);
        double[] maxima = buffers.small(outputs);
        long[] places = buffers.places(outputs);
        for (long p = 0; p < planes(to); p++) {
            from.read(p * inputs, plane, 0, inputs);
            int output = 0;
            for (int[] rows : windows.rows()) {
                for (int[] columns : windows.columns()) {
                    int place = largest(plane, rows, columns, width);
                    places[output] = place;
                    maxima[output++] = plane[place];
                }
            }
            to.write(p * outputs, maxima, 0, outputs);
            found.write(p * outputs, places, 0, outputs);
        }
    }

    /** The first place of the largest number; NaN, which compares to nothing, is larger than any. */
    private static int largest(double[] plane, int[] rows, int[] columns, int width) {
        int best = rows[0] * width + columns[0];
        double largest = plane[best];
        for (int row : rows) {
            int base = row * width;
            for (int column : columns) {
                double value = plane[base + column];
                if (!(value <= largest)) {
                    if (Double.isNaN(largest)) {
                        return best;
                    }
                    largest = value;
                    best = base + column;
                }
            }
        }
        return best;
    }

    @Override
    public void scatter(Tensor indices, Tensor source, Tensor destination) {
        CpuTensor places = backend.own(indices);
        CpuTensor from = backend.own(source);
        CpuTensor to = backend.own(destination);
        int pooled = planeSize(from);
        int whole = planeSize(to);
        PlaneBuffers buffers = PlaneBuffers.get();
        double[] values = buffers.small(pooled);
        double[] sums = buffers.large(whole);
        long[] targets = buffers.places(pooled);
        for (long p = 0; p < planes(to); p++) {
            places.read(p % planes(places) * pooled, targets, 0, pooled);
            from.read(p * pooled, values, 0, pooled);
            Arrays.fill(sums, 0, whole, 0);
            for (int i = 0; i < pooled; i++) {
                sums[(int) targets[i]] += values[i];
            }
            to.write(p * whole, sums, 0, whole);
        }
    }

    @Override
    public void gather(Tensor x, Tensor indices, Tensor destination) {
        CpuTensor places = backend.own(indices);
        CpuTensor from = backend.own(x);
        CpuTensor to = backend.own(destination);
        int pooled = planeSize(to);
        int whole = planeSize(from);
        PlaneBuffers buffers = PlaneBuffers.get();
        double[] values = buffers.small(pooled);
        double[] plane = buffers.large(whole);
        long[] origins = buffers.places(pooled);
        for (long p = 0; p < planes(to); p++) {
            places.read(p % planes(places) * pooled, origins, 0, pooled);
            from.read(p * whole, plane, 0, whole);
            for (int i = 0; i < pooled; i++) {
                values[i] = plane[(int) origins[i]];
            }
            to.write(p * pooled, values, 0, pooled);
        }
    }

    private static long planes(CpuTensor tensor) {
        return tensor.shape().elements(0, 2);
    }

    private static int planeSize(CpuTensor tensor) {
        return Math.toIntExact(tensor.shape().dropFirst(2).elements());
    }

    @Override
    public void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination) {
        portable.resample(matrices, transposed, x, destination);
    }
}
