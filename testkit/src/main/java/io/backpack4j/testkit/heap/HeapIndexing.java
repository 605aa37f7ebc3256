// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;

/** Moves elements one by one. */
final class HeapIndexing implements Indexing {

    private final HeapBackend backend;

    HeapIndexing(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void permute(Tensor source, int[] axes, Tensor destination) {
        HeapTensor in = backend.own(source);
        HeapTensor out = backend.own(destination);
        int[] sorted = axes.clone();
        Arrays.sort(sorted);
        for (int axis = 0; axis < sorted.length; axis++) {
            HeapChecks.require(sorted[axis] == axis, "%s are not a permutation", Arrays.toString(axes));
        }
        HeapChecks.require(axes.length == in.shape().rank(), "%d axes for %s", axes.length, in);
        HeapChecks.shape(
                out, Shape.of(Arrays.stream(axes).mapToLong(in.shape()::size).toArray()));
        HeapChecks.sameType(out, in);
        HeapChecks.apart(out, in);
        for (int i = 0; i < out.size(); i++) {
            int[] target = Positions.indices(out.shape(), i);
            int[] origin = new int[target.length];
            for (int axis = 0; axis < axes.length; axis++) {
                origin[axes[axis]] = target[axis];
            }
            move(in, Positions.position(in.shape(), origin), out, i);
        }
    }

    @Override
    public void extract(Tensor source, Region region, Tensor destination) {
        HeapTensor in = backend.own(source);
        HeapTensor out = backend.own(destination);
        HeapChecks.shape(out, region.shape());
        HeapChecks.sameType(out, in);
        HeapChecks.apart(out, in);
        for (int i = 0; i < out.size(); i++) {
            move(in, place(in.shape(), region, i), out, i);
        }
    }

    @Override
    public void insert(Tensor source, Region region, Tensor destination) {
        HeapTensor in = backend.own(source);
        HeapTensor out = backend.own(destination);
        HeapChecks.shape(in, region.shape());
        HeapChecks.sameType(out, in);
        HeapChecks.apart(out, in);
        for (int i = 0; i < in.size(); i++) {
            move(in, i, out, place(out.shape(), region, i));
        }
    }

    @Override
    public void gatherRows(Tensor source, Tensor indices, Tensor destination) {
        HeapTensor in = backend.own(source);
        HeapTensor rows = backend.own(indices);
        HeapTensor out = backend.own(destination);
        int length = checkRows(in, rows, out);
        for (int i = 0; i < rows.size(); i++) {
            int row = index(rows, i, in.shape().size(0));
            for (int j = 0; j < length; j++) {
                move(in, row * length + j, out, i * length + j);
            }
        }
    }

    @Override
    public void addRows(Tensor source, Tensor indices, Tensor destination) {
        HeapTensor in = backend.own(source);
        HeapTensor rows = backend.own(indices);
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out);
        int length = checkRows(out, rows, in);
        for (int i = 0; i < rows.size(); i++) {
            int row = index(rows, i, out.shape().size(0));
            for (int j = 0; j < length; j++) {
                out.set(row * length + j, out.get(row * length + j) + in.get(i * length + j));
            }
        }
    }

    @Override
    public void pick(Tensor x, int axis, Tensor indices, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor picks = backend.own(indices);
        HeapTensor out = backend.own(destination);
        HeapChecks.shape(out, picks.shape());
        HeapChecks.sameType(out, in);
        HeapChecks.apart(out, in);
        for (int i = 0; i < out.size(); i++) {
            move(in, picked(in.shape(), axis, picks, i), out, i);
        }
    }

    @Override
    public void addAt(Tensor indices, int axis, double value, Tensor destination) {
        HeapTensor picks = backend.own(indices);
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out);
        for (int i = 0; i < picks.size(); i++) {
            int target = picked(out.shape(), axis, picks, i);
            out.set(target, out.get(target) + value);
        }
    }

    private static void move(HeapTensor from, int position, HeapTensor to, int target) {
        if (from.dtype().isFloating()) {
            to.set(target, from.get(position));
        } else {
            to.setInteger(target, from.getInteger(position));
        }
    }

    /** Where the i-th element of a region lies. */
    private static int place(Shape shape, Region region, int i) {
        HeapChecks.require(region.sizes().size() == shape.rank(), "%s is no region of %s", region, shape);
        int[] indices = Positions.indices(region.shape(), i);
        for (int axis = 0; axis < indices.length; axis++) {
            long index = region.starts().get(axis) + region.steps().get(axis) * indices[axis];
            HeapChecks.require(0 <= index && index < shape.size(axis), "%s leaves %s", region, shape);
            indices[axis] = (int) index;
        }
        return Positions.position(shape, indices);
    }

    private static int checkRows(HeapTensor many, HeapTensor indices, HeapTensor chosen) {
        HeapChecks.integers(indices);
        HeapChecks.shape(indices, Shape.of(indices.size()));
        HeapChecks.shape(chosen, many.shape().with(0, indices.size()));
        HeapChecks.sameType(many, chosen);
        HeapChecks.apart(many, chosen);
        return (int) many.shape().elements(1, many.shape().rank());
    }

    private static int index(HeapTensor indices, int i, long size) {
        long index = indices.getInteger(i);
        HeapChecks.require(0 <= index && index < size, "Index %d leaves an axis of size %d", index, size);
        return (int) index;
    }

    /** Where the element lies that the i-th index picks along an axis. */
    private static int picked(Shape shape, int axis, HeapTensor indices, int i) {
        HeapChecks.integers(indices);
        HeapChecks.shape(
                indices, shape.slice(0, axis).append(shape.dropFirst(axis + 1).toArray()));
        int behind = (int) shape.elements(axis + 1, shape.rank());
        int size = (int) shape.size(axis);
        return (i / behind * size + index(indices, i, size)) * behind + i % behind;
    }
}
