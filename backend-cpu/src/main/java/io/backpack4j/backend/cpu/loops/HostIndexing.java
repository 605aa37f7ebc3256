// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Address;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/** Moves elements, whatever their type. */
final class HostIndexing implements Indexing {

    private final NativeBackend backend;

    HostIndexing(NativeBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void permute(Tensor source, int[] axes, Tensor destination) {
        CpuTensor from = backend.own(source);
        CpuTensor to = backend.own(destination);
        long[] steps = contiguous(from.shape());
        long[] strides = new long[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            strides[axis] = steps[axes[axis]];
        }
        StridedCopy.of(to.shape().toArray(), strides, contiguous(to.shape())).run(from, 0, to, 0);
    }

    @Override
    public void extract(Tensor source, Region region, Tensor destination) {
        CpuTensor from = backend.own(source);
        CpuTensor to = backend.own(destination);
        long[] strides = contiguous(from.shape());
        long start = start(strides, region);
        StridedCopy.of(to.shape().toArray(), steps(strides, region), contiguous(to.shape()))
                .run(from, start, to, 0);
    }

    @Override
    public void insert(Tensor source, Region region, Tensor destination) {
        CpuTensor from = backend.own(source);
        CpuTensor to = backend.own(destination);
        long[] strides = contiguous(to.shape());
        long start = start(strides, region);
        StridedCopy.of(from.shape().toArray(), contiguous(from.shape()), steps(strides, region))
                .run(from, 0, to, start);
    }

    @Override
    public void gatherRows(Tensor source, Tensor indices, Tensor destination) {
        CpuTensor from = backend.own(source);
        CpuTensor positions = backend.own(indices);
        CpuTensor to = backend.own(destination);
        long bytes = rowBytes(from);
        if (to.elements == 0) {
            return;
        }
        Address input = Scratch.get().from;
        Address output = Scratch.get().to;
        for (long i = 0; i < positions.elements; i++) {
            long row = positions.block.getLong(positions.at(i));
            Pointer.memcpy(output.at(to.address() + i * bytes), input.at(from.address() + row * bytes), bytes);
        }
    }

    @Override
    public void addRows(Tensor source, Tensor indices, Tensor destination) {
        CpuTensor from = backend.own(source);
        CpuTensor positions = backend.own(indices);
        CpuTensor to = backend.own(destination);
        if (from.elements == 0) {
            return;
        }
        long row = from.elements / positions.elements;
        Scratch scratch = Scratch.get();
        for (long i = 0; i < positions.elements; i++) {
            long target = positions.block.getLong(positions.at(i)) * row;
            for (long done = 0; done < row; done += Scratch.CHUNK) {
                int count = (int) Math.min(Scratch.CHUNK, row - done);
                from.load(i * row + done, scratch.a, count);
                to.load(target + done, scratch.b, count);
                for (int j = 0; j < count; j++) {
                    scratch.b[j] += scratch.a[j];
                }
                to.store(target + done, scratch.b, count);
            }
        }
    }

    @Override
    public void pick(Tensor x, int axis, Tensor indices, Tensor destination) {
        CpuTensor from = backend.own(x);
        CpuTensor positions = backend.own(indices);
        CpuTensor to = backend.own(destination);
        boolean wide = from.dtype().bytes() == Long.BYTES;
        long[] places = Scratch.get().longs;
        for (long done = 0; done < positions.elements; done += places.length) {
            int count = places(from.shape(), axis, positions, done, places);
            for (int i = 0; i < count; i++) {
                if (wide) {
                    to.block.putLong(to.at(done + i), from.block.getLong(from.at(places[i])));
                } else {
                    to.block.putInt(to.at(done + i), from.block.getInt(from.at(places[i])));
                }
            }
        }
    }

    @Override
    public void addAt(Tensor indices, int axis, double value, Tensor destination) {
        CpuTensor positions = backend.own(indices);
        CpuTensor to = backend.own(destination);
        long[] places = Scratch.get().longs;
        for (long done = 0; done < positions.elements; done += places.length) {
            int count = places(to.shape(), axis, positions, done, places);
            for (int i = 0; i < count; i++) {
                long target = to.at(places[i]);
                if (to.dtype() == DType.FLOAT64) {
                    to.block.putDouble(target, to.block.getDouble(target) + value);
                } else if (to.dtype() == DType.FLOAT32) {
                    to.block.putFloat(target, (float) (to.block.getFloat(target) + value));
                } else {
                    to.block.putLong(target, to.block.getLong(target) + (long) value);
                }
            }
        }
    }

    /**
     * Finds the positions of [a, indices[a, b], b], (a, b) being the pairs from the i-th on, in a tensor of a shape.
     *
     * @return how many were written to {@code places}
     */
    private static int places(Shape shape, int axis, CpuTensor indices, long i, long[] places) {
        long length = shape.size(axis);
        long inner = shape.elements(axis + 1, shape.rank());
        int count = (int) Math.min(places.length, indices.elements - i);
        indices.block.get(indices.at(i), places, 0, count);
        long first = i / inner * length;
        long b = i % inner;
        for (int k = 0; k < count; k++) {
            places[k] = (first + places[k]) * inner + b;
            b++;
            if (b == inner) {
                b = 0;
                first += length;
            }
        }
        return count;
    }

    private static long rowBytes(CpuTensor tensor) {
        Shape shape = tensor.shape();
        return shape.elements(1, shape.rank()) * tensor.dtype().bytes();
    }

    private static long start(long[] strides, Region region) {
        long start = 0;
        for (int axis = 0; axis < strides.length; axis++) {
            start += strides[axis] * region.starts().get(axis);
        }
        return start;
    }

    private static long[] steps(long[] strides, Region region) {
        long[] steps = strides.clone();
        Arrays.setAll(steps, axis -> strides[axis] * region.steps().get(axis));
        return steps;
    }

    private static long[] contiguous(Shape shape) {
        long[] strides = new long[shape.rank()];
        long step = 1;
        for (int axis = strides.length - 1; axis >= 0; axis--) {
            strides[axis] = step;
            step *= shape.size(axis);
        }
        return strides;
    }
}
