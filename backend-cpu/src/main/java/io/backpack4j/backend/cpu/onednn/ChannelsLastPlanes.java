// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;

/** Gives kernels planes whose channels lie last: as they are where they lie so, else by way of a copy. */
final class ChannelsLastPlanes {

    private final NativeBackend backend;

    ChannelsLastPlanes(NativeBackend backend) {
        this.backend = backend;
    }

    /** Work that fills memory. */
    interface Work {
        void run(long address);
    }

    /**
     * The address of the elements of {@code x} with channels last.
     *
     * @param scope owns a copy, should one be needed
     * @param x {@code [*, C, *in]}
     * @param axes the number of spatial axes
     */
    long read(DnnlContext context, TensorScope scope, CpuTensor x, int axes) {
        return memory(context, scope, x, axes).address();
    }

    /** The same as a tensor whose elements lie so, whatever its shape says. */
    CpuTensor memory(DnnlContext context, TensorScope scope, CpuTensor x, int axes) {
        if (x.isChannelsLast(axes)) {
            return x;
        }
        backend.makeRowMajor(x.block);
        Arrangement.ChannelsLast order = order(x, axes);
        if (order.isRowMajor()) {
            return x;
        }
        CpuTensor copy = backend.singles(scope, Shape.of(x.elements));
        reorder(context, x.elements, order, true)
                .at(0, x.address())
                .at(1, copy.address())
                .run(context);
        return copy;
    }

    /**
     * Has {@code work} fill {@code to}, all of it, with channels last.
     *
     * @param to {@code [*, C, *out]}
     */
    void write(DnnlContext context, TensorScope scope, CpuTensor to, int axes, Work work) {
        Arrangement.ChannelsLast order = order(to, axes);
        if (to.coversBlock()) {
            to.block.arrangement = order.isRowMajor() ? null : order;
            work.run(to.address());
        } else if (to.isChannelsLast(axes)) {
            work.run(to.address());
        } else {
            backend.makeRowMajor(to.block);
            if (order.isRowMajor()) {
                work.run(to.address());
            } else {
                long copy = memory(scope, to.elements);
                work.run(copy);
                reorder(context, to.elements, order, false)
                        .at(0, copy)
                        .at(1, to.address())
                        .run(context);
            }
        }
    }

    /** Memory for so many numbers. */
    long memory(TensorScope scope, long elements) {
        return backend.singles(scope, Shape.of(elements)).address();
    }

    private static Arrangement.ChannelsLast order(CpuTensor tensor, int axes) {
        Shape shape = tensor.shape();
        int channelAxis = shape.rank() - axes - 1;
        return new Arrangement.ChannelsLast(shape.size(channelAxis), shape.elements(channelAxis + 1, shape.rank()));
    }

    /** Brings channels to the end, or back before the positions. */
    static DnnlPrimitive reorder(DnnlContext context, long elements, Arrangement.ChannelsLast order, boolean toTheEnd) {
        long channels = order.channels();
        long positions = order.positions();
        long batch = elements / (channels * positions);
        PrimitiveKey key = context.key(toTheEnd ? DnnlKind.CHANNELS_LAST : DnnlKind.CHANNELS_FIRST)
                .add(batch)
                .add(channels)
                .add(positions);
        return context.get(key, Cost.elements(elements), () -> {
            long[] sizes = {batch, channels, positions};
            Layout first = Layout.dense(sizes);
            Layout last = new Layout(sizes, new long[] {channels * positions, 1, channels});
            return toTheEnd ? DnnlRecipes.reorder(first, last) : DnnlRecipes.reorder(last, first);
        });
    }
}
