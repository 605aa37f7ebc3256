// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;

/** Cuts and pads along spatial axes of planes whose channels lie last. */
final class SpatialBoxes {

    private static final int MOST_AXES = 3;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final ChannelsLastPlanes planes;

    SpatialBoxes(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
        this.planes = new ChannelsLastPlanes(backend);
    }

    /** Copies a box out of {@code from}; nothing is done if other axes are cut, too, or channels do not lie last. */
    boolean extract(CpuTensor from, Region region, CpuTensor to) {
        int axes = axes(from);
        if (axes == 0 || !leavesOthers(from.shape(), region, axes) || to.elements == 0) {
            return false;
        }
        DnnlContext context = contexts.get();
        Box box = new Box(from.shape(), region, axes);
        Optional<DnnlPrimitive> copy = box.copy(context, false);
        if (copy.isEmpty()) {
            return false;
        }
        try (TensorScope scope = backend.openScope()) {
            planes.write(
                    context,
                    scope,
                    to,
                    axes,
                    address -> copy.get()
                            .at(0, from.address() + box.start)
                            .at(1, address)
                            .run(context));
        }
        return true;
    }

    /**
     * Copies {@code from} into a box of {@code to} and fills the rest; nothing is done where {@link #extract} would
     * not.
     */
    boolean pad(CpuTensor from, Region region, double value, CpuTensor to) {
        int axes = axes(from);
        if (axes == 0 || !to.coversBlock() || !leavesOthers(to.shape(), region, axes) || from.elements == 0) {
            return false;
        }
        DnnlContext context = contexts.get();
        Box box = new Box(to.shape(), region, axes);
        Optional<DnnlPrimitive> copy = box.copy(context, true);
        if (copy.isEmpty()) {
            return false;
        }
        try (TensorScope scope = backend.openScope()) {
            planes.write(context, scope, to, axes, address -> {
                for (long n = 0; n < box.outer; n++) {
                    box.fillAround(to.block, address - to.block.address + n * box.plane(), 0, (float) value);
                }
                copy.get().at(0, from.address()).at(1, address + box.start).run(context);
            });
        }
        return true;
    }

    /** Number of spatial axes of a tensor whose channels lie last; 0 if they do not. */
    private static int axes(CpuTensor tensor) {
        for (int axes = 1; axes <= MOST_AXES; axes++) {
            if (tensor.isSingle() && tensor.isChannelsLast(axes)) {
                return axes;
            }
        }
        return 0;
    }

    private static boolean leavesOthers(Shape shape, Region region, int axes) {
        for (int axis = 0; axis < shape.rank() - axes; axis++) {
            if (region.sizes().get(axis) != shape.size(axis)) {
                return false;
            }
        }
        return true;
    }

    /** A box within planes, as they lie. */
    private static final class Box {

        final long outer;
        final long start;
        private final long[] sizes;
        private final long[] whole;
        private final long[] strides;
        private final long[] starts;
        private final long[] steps;

        /** A region of {@code [*, C, *spatial]}. */
        Box(Shape shape, Region region, int axes) {
            int channelAxis = shape.rank() - axes - 1;
            outer = shape.elements(0, channelAxis);
            sizes = new long[axes + 1];
            whole = new long[axes + 1];
            strides = new long[axes + 1];
            starts = new long[axes + 1];
            steps = new long[axes + 1];
            sizes[axes] = shape.size(channelAxis);
            whole[axes] = sizes[axes];
            strides[axes] = 1;
            steps[axes] = 1;
            long from = 0;
            for (int axis = axes - 1; axis >= 0; axis--) {
                int at = channelAxis + 1 + axis;
                whole[axis] = shape.size(at);
                sizes[axis] = region.sizes().get(at);
                starts[axis] = region.starts().get(at);
                steps[axis] = region.steps().get(at);
                strides[axis] = strides[axis + 1] * whole[axis + 1];
                from += starts[axis] * strides[axis];
            }
            start = from * Float.BYTES;
        }

        long plane() {
            return whole[0] * strides[0] * Float.BYTES;
        }

        /** Copies the box to or from dense memory. */
        Optional<DnnlPrimitive> copy(DnnlContext context, boolean into) {
            int rank = sizes.length + 1;
            long[] box = new long[rank];
            long[] spread = new long[rank];
            box[0] = outer;
            spread[0] = whole[0] * strides[0];
            for (int axis = 1; axis < rank; axis++) {
                box[axis] = sizes[axis - 1];
                spread[axis] = strides[axis - 1] * steps[axis - 1];
            }
            for (int axis = 1; axis < rank; axis++) {
                if (spread[axis] * box[axis] > spread[axis - 1]) {
                    // the last step reaches behind the axis, which oneDNN takes for an overlap
                    return Optional.empty();
                }
            }
            PrimitiveKey key =
                    context.key(DnnlKind.BOX).add(into ? 1 : 0).add(box).add(spread);
            long elements = outer * sizes[sizes.length - 1];
            DnnlPrimitive primitive = context.get(key, Cost.elements(elements * sizes[0]), () -> {
                Layout inner = new Layout(box, spread);
                return into
                        ? DnnlRecipes.reorder(Layout.dense(box), inner)
                        : DnnlRecipes.reorder(inner, Layout.dense(box));
            });
            return primitive.usable() ? Optional.of(primitive) : Optional.empty();
        }

        /** Fills what does not belong to the box, below one index of the axes before {@code axis}. */
        void fillAround(Block block, long offset, int axis, float value) {
            if (axis == sizes.length - 1) {
                return;
            }
            long step = strides[axis] * Float.BYTES;
            long filled = 0;
            for (long i = 0; i < sizes[axis]; i++) {
                long at = starts[axis] + i * steps[axis];
                fill(block, offset + filled * step, (at - filled) * strides[axis], value);
                fillAround(block, offset + at * step, axis + 1, value);
                filled = at + 1;
            }
            fill(block, offset + filled * step, (whole[axis] - filled) * strides[axis], value);
        }

        private static void fill(Block block, long offset, long count, float value) {
            if (count == 0) {
                return;
            }
            if (Float.floatToRawIntBits(value) == 0) {
                Pointer.memset(Scratch.get().to.at(block.address + offset), 0, count * Float.BYTES);
                return;
            }
            float[] values = Scratch.get().floats;
            Arrays.fill(values, 0, (int) Math.min(values.length, count), value);
            for (long done = 0; done < count; done += values.length) {
                int length = (int) Math.min(values.length, count - done);
                block.put(offset + done * Float.BYTES, values, 0, length);
            }
        }
    }
}
