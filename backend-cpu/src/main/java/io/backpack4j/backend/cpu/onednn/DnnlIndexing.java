// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Tensor;
import java.util.stream.IntStream;

/** Permutes single precision by oneDNN; moves everything else as the host does. */
final class DnnlIndexing implements Indexing {

    private static final long WORTH_A_CALL = 512;

    /** Most axes that a oneDNN layout may have. */
    private static final int MOST_AXES = 6;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Indexing host;
    private final SpatialBoxes boxes;

    DnnlIndexing(NativeBackend backend, DnnlContexts contexts, Indexing host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
        this.boxes = new SpatialBoxes(backend, contexts);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void permute(Tensor source, int[] axes, Tensor destination) {
        CpuTensor from = backend.own(source);
        CpuTensor to = backend.own(destination);
        boolean worthIt = from.isSingle() && from.elements >= WORTH_A_CALL && axes.length <= MOST_AXES;
        if (!worthIt || !reorder(from, axes, to)) {
            host.permute(source, axes, destination);
        }
    }

    /** Axes of size 1 are left out, for oneDNN has faster loops for fewer axes. */
    private boolean reorder(CpuTensor from, int[] axes, CpuTensor to) {
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.REORDER);
        for (int axis : axes) {
            if (from.shape().size(axis) != 1) {
                key.add(axis).add(from.shape().size(axis));
            }
        }
        DnnlPrimitive primitive = context.get(key, Cost.elements(from.elements), () -> {
            long[] strides = Dnnl.contiguous(from.shape().toArray());
            int[] longer = IntStream.of(axes)
                    .filter(axis -> from.shape().size(axis) != 1)
                    .toArray();
            long[] permuted =
                    IntStream.of(longer).mapToLong(axis -> strides[axis]).toArray();
            long[] sizes = IntStream.of(longer)
                    .mapToLong(axis -> from.shape().size(axis))
                    .toArray();
            return DnnlRecipes.reorder(new Layout(sizes, permuted), Layout.dense(sizes));
        });
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, from.address()).at(1, to.address()).run(context);
        return true;
    }

    @Override
    public void extract(Tensor source, Region region, Tensor destination) {
        CpuTensor from = backend.asItLies(source);
        if (!boxes.extract(from, region, backend.asItLies(destination))) {
            host.extract(source, region, destination);
        }
    }

    @Override
    public void insert(Tensor source, Region region, Tensor destination) {
        host.insert(source, region, destination);
    }

    @Override
    public void pad(Tensor source, Region region, double value, Tensor destination) {
        CpuTensor from = backend.asItLies(source);
        if (!boxes.pad(from, region, value, backend.asItLies(destination))) {
            host.pad(source, region, value, destination);
        }
    }

    @Override
    public void gatherRows(Tensor source, Tensor indices, Tensor destination) {
        host.gatherRows(source, indices, destination);
    }

    @Override
    public void addRows(Tensor source, Tensor indices, Tensor destination) {
        host.addRows(source, indices, destination);
    }

    @Override
    public void pick(Tensor x, int axis, Tensor indices, Tensor destination) {
        host.pick(x, axis, indices, destination);
    }

    @Override
    public void addAt(Tensor indices, int axis, double value, Tensor destination) {
        host.addAt(indices, axis, value, destination);
    }
}
