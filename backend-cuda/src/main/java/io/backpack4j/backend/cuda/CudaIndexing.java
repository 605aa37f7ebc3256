// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/** Moves elements, a thread each. */
final class CudaIndexing implements Indexing {

    /** Threads that {@link #addRows} aims at. */
    private static final long THREADS = 1 << 14;

    private final CudaBackend backend;

    CudaIndexing(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void permute(Tensor source, int[] axes, Tensor destination) {
        CudaTensor in = backend.own(source);
        CudaTensor out = backend.own(destination);
        long[] strides = StridedLoop.strides(in.shape());
        long[] permuted = new long[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            permuted[axis] = strides[axes[axis]];
        }
        StridedLoop loop = StridedLoop.of(out.shape().toArray(), permuted, StridedLoop.strides(out.shape()));
        move("permute", in, 0, loop, 0, out, out.elements);
    }

    @Override
    public void extract(Tensor source, Region region, Tensor destination) {
        CudaTensor in = backend.own(source);
        CudaTensor out = backend.own(destination);
        long[] whole = StridedLoop.strides(in.shape());
        StridedLoop loop =
                StridedLoop.of(out.shape().toArray(), steps(whole, region), StridedLoop.strides(out.shape()));
        move("extract", in, start(whole, region), loop, 0, out, out.elements);
    }

    @Override
    public void insert(Tensor source, Region region, Tensor destination) {
        CudaTensor in = backend.own(source);
        CudaTensor out = backend.own(destination);
        long[] whole = StridedLoop.strides(out.shape());
        StridedLoop loop = StridedLoop.of(in.shape().toArray(), StridedLoop.strides(in.shape()), steps(whole, region));
        move("insert", in, 0, loop, start(whole, region), out, in.elements);
    }

    private static long[] steps(long[] strides, Region region) {
        long[] steps = new long[strides.length];
        for (int axis = 0; axis < steps.length; axis++) {
            steps[axis] = strides[axis] * region.steps().get(axis);
        }
        return steps;
    }

    private static long start(long[] strides, Region region) {
        List<Long> starts = region.starts();
        long start = 0;
        for (int axis = 0; axis < strides.length; axis++) {
            start += strides[axis] * starts.get(axis);
        }
        return start;
    }

    private void move(
            String name, CudaTensor in, long startIn, StridedLoop loop, long startOut, CudaTensor out, long count) {
        if (count == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(out)
                .number(count)
                .number(loop.rank())
                .numbers(loop.sizes(), StridedLoop.MAX_RANK)
                .numbers(loop.first(), StridedLoop.MAX_RANK)
                .numbers(loop.second(), StridedLoop.MAX_RANK)
                .number(startIn)
                .number(startOut);
        backend.operation(name)
                .reads(in)
                .writes(out)
                .launch(KernelFile.INDEXING, CudaElementwise.sameSize(in), "move", Grid.threads(count), arguments);
    }

    @Override
    public void gatherRows(Tensor source, Tensor indices, Tensor destination) {
        CudaTensor in = backend.own(source);
        CudaTensor rows = backend.own(indices);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(rows)
                .tensor(out)
                .number(rows.elements)
                .number(out.elements / rows.elements);
        backend.operation("gatherRows")
                .reads(in, rows)
                .writes(out)
                .launch(
                        KernelFile.INDEXING,
                        CudaElementwise.sameSize(in),
                        "gather_rows",
                        Grid.threads(out.elements),
                        arguments);
    }

    @Override
    public void addRows(Tensor source, Tensor indices, Tensor destination) {
        CudaTensor in = backend.own(source);
        CudaTensor rows = backend.own(indices);
        CudaTensor out = backend.own(destination);
        if (in.elements == 0) {
            return;
        }
        long length = in.elements / rows.elements;
        long slots = Math.max(1, Math.min(out.size(0), THREADS / length));
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(rows)
                .tensor(out)
                .number(rows.elements)
                .number(length)
                .number(slots);
        backend.operation("addRows")
                .reads(in, rows)
                .writes(out)
                .launch(KernelFile.INDEXING, out.dtype(), "add_rows", Grid.threads(slots * length), arguments);
    }

    @Override
    public void pick(Tensor x, int axis, Tensor indices, Tensor destination) {
        CudaTensor in = backend.own(x);
        CudaTensor picks = backend.own(indices);
        CudaTensor out = backend.own(destination);
        if (out.elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(in)
                .tensor(picks)
                .tensor(out)
                .number(out.elements)
                .number(in.size(axis))
                .number(in.shape().elements(axis + 1, in.shape().rank()));
        backend.operation("pick")
                .reads(in, picks)
                .writes(out)
                .launch(
                        KernelFile.INDEXING,
                        CudaElementwise.sameSize(in),
                        "pick",
                        Grid.threads(out.elements),
                        arguments);
    }

    @Override
    public void addAt(Tensor indices, int axis, double value, Tensor destination) {
        CudaTensor picks = backend.own(indices);
        CudaTensor out = backend.own(destination);
        if (picks.elements == 0) {
            return;
        }
        Arguments arguments = new Arguments()
                .tensor(picks)
                .tensor(out)
                .number(picks.elements)
                .number(out.size(axis))
                .number(out.shape().elements(axis + 1, out.shape().rank()))
                .real(value);
        backend.operation("addAt")
                .reads(picks)
                .writes(out)
                .launch(KernelFile.INDEXING, out.dtype(), "add_at", Grid.threads(picks.elements), arguments);
    }
}
