// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under the windows of a convolution with many channels. The block of the matrix
 * that belongs to the elements a and a + δ of a window is Σ_p x_p x_{p+δ}ᵀ over the positions p that element a visits.
 * Positions that the same elements visit are a {@link WindowClasses class}: their sum is computed once per shift δ and
 * added to the blocks of all these elements. Nothing is unfolded, and the matrix being symmetric, half the shifts
 * suffice: for a window of 3 × 3 elements that is 13 products per position instead of 81.
 */
final class ShiftedGrams {

    /** Blocks of fewer channels are too small for products of their own. */
    private static final long FEWEST_CHANNELS = 48;

    /** With fewer samples products are too short. */
    private static final long FEWEST_SAMPLES = 16;

    /** From so many numbers on in a column of all samples, products of two columns are as fast as larger ones. */
    private static final long LONG_COLUMN = 1024;

    private final NativeBackend backend;
    private final DnnlContext context;
    private final TensorScope scope;
    private final WindowSizes sizes;
    private final long channels;
    private final double scale;
    private final WindowClasses[] axes;
    private final long[] lines;

    /** The numbers of a block of the matrix. */
    private final long block;

    /** For every first shift, and every shift along the other axes, the sum over one class. */
    private final CpuTensor sums;

    /** {@code [element, element, C, C]}. */
    private final CpuTensor matrix;

    /** @param scale what all sums are multiplied by */
    ShiftedGrams(
            NativeBackend backend,
            DnnlContext context,
            TensorScope scope,
            WindowSizes sizes,
            long channels,
            double scale) {
        this.backend = backend;
        this.context = context;
        this.scope = scope;
        this.sizes = sizes;
        this.channels = channels;
        this.scale = scale;
        block = channels * channels;
        axes = new WindowClasses[sizes.axes()];
        long shifts = sizes.kernel[0];
        for (int axis = 0; axis < axes.length; axis++) {
            axes[axis] = new WindowClasses(sizes, axis);
            shifts *= axis == 0 ? 1 : 2 * sizes.kernel[axis] - 1;
        }
        lines = axes[0].order();
        long elements = elements();
        sums = backend.singles(scope, Shape.of(shifts, block));
        matrix = backend.singles(scope, Shape.of(elements, elements, channels, channels));
        backend.elementwise().fill(matrix, 0);
    }

    static boolean fits(Window window, long samples, long channels) {
        return channels >= FEWEST_CHANNELS
                && samples >= FEWEST_SAMPLES
                && window.axes() >= 2
                && window.axes() <= 3
                && window.kernel().stream().allMatch(size -> size <= WindowClasses.MOST_ELEMENTS)
                && window.dilation().stream().allMatch(step -> step == 1);
    }

    /** Whether products are so long that nothing has to be copied for larger ones. */
    static boolean isLong(WindowSizes sizes) {
        return sizes.batch * sizes.input[0] >= LONG_COLUMN;
    }

    /** The elements of a window. */
    private long elements() {
        return Arrays.stream(sizes.kernel).reduce(1, (a, b) -> a * b);
    }

    /**
     * Adds what some samples contribute.
     *
     * @param inputs their address, channels last
     */
    void add(long inputs, long samples) {
        try (TensorScope step = backend.openScope()) {
            long planes = 1;
            for (int axis = 1; axis < axes.length; axis++) {
                planes *= sizes.input[axis];
            }
            CpuTensor ordered = backend.singles(step, Shape.of(planes, sizes.input[0], samples, channels));
            order(inputs, samples, ordered.address());
            int[] of = new int[axes.length];
            do {
                addClass(ordered.address(), samples, of);
            } while (next(of));
        }
    }

    /** The next combination of one class per axis. */
    private boolean next(int[] of) {
        for (int axis = axes.length - 1; axis >= 0; axis--) {
            if (++of[axis] < axes[axis].count()) {
                return true;
            }
            of[axis] = 0;
        }
        return false;
    }

    /** Writes {@code [*positions, y, n, C]}, the lines y in the order in which strides visit them. */
    private void order(long inputs, long samples, long ordered) {
        Layout from = sizes.of(samples).inputs(channels);
        int rank = axes.length + 1;
        long[] box = new long[rank];
        long[] read = new long[rank];
        long[] write = new long[rank];
        box[0] = samples;
        read[0] = from.strides()[0];
        write[0] = channels;
        box[rank - 1] = channels;
        read[rank - 1] = 1;
        write[rank - 1] = 1;
        long stepTo = sizes.input[0] * samples * channels;
        for (int axis = axes.length - 1; axis >= 1; axis--) {
            box[axis] = sizes.input[axis];
            read[axis] = from.strides()[axis + 2];
            write[axis] = stepTo;
            stepTo *= sizes.input[axis];
        }
        PrimitiveKey key = context.key(DnnlKind.UNFOLD).add(box).add(read).add(write);
        DnnlPrimitive copy = context.get(
                key,
                Cost.elements(stepTo / sizes.input[0]),
                () -> DnnlRecipes.reorder(new Layout(box, read), new Layout(box, write)));
        for (int line = 0; line < lines.length; line++) {
            copy.at(0, inputs + lines[line] * from.strides()[2] * Float.BYTES)
                    .at(1, ordered + line * samples * channels * Float.BYTES)
                    .run(context);
        }
    }

    /** Sums over the positions of one class, and adds them to the blocks of all elements that visit it. */
    private void addClass(long ordered, long samples, int[] of) {
        backend.elementwise().fill(sums, 0);
        int last = axes.length - 1;
        for (long position : positions(of)) {
            for (long shift : shifts(of)) {
                long moved = moved(position, shift);
                if (moved >= 0) {
                    addProducts(ordered, samples, of, position, moved, shift);
                }
            }
        }
        addBlocks(of, last);
    }

    /** The positions of a class along all axes but the first and the last, as indices into these. */
    private long[] positions(int[] of) {
        return axes.length == 2 ? new long[] {0} : axes[1].positions(of[1]);
    }

    /** The shifts along all axes but the first and the last that a class needs. */
    private long[] shifts(int[] of) {
        return axes.length == 2 ? new long[] {0} : axes[1].shifts(of[1]);
    }

    /** The position that lies {@code shift} further, or −1. */
    private long moved(long position, long shift) {
        long moved = position + shift;
        return axes.length == 2 || (moved >= 0 && moved < sizes.input[1]) ? moved : -1;
    }

    /** Products of the lines of a class, for all positions and shifts along the last axis. */
    private void addProducts(long ordered, long samples, int[] of, long position, long moved, long shift) {
        int last = axes.length - 1;
        long width = sizes.input[last];
        long plane = sizes.input[0] * samples * channels;
        for (long u : axes[last].positions(of[last])) {
            long[] range = axes[last].shifts(of[last]);
            long low = Math.max(range[0], -u);
            long high = Math.min(range[range.length - 1], width - 1 - u);
            for (long down : axes[0].shifts(of[0])) {
                // half of the shifts: the others are mirror images
                long first = down == 0 && shift == 0 ? Math.max(0, low) : low;
                if (down < 0 || (down == 0 && shift < 0) || first > high) {
                    continue;
                }
                for (WindowClasses.Run run : axes[0].runs(of[0], down)) {
                    long left = (position * width + u) * plane + run.from() * samples * channels;
                    long right = (moved * width + u) * plane + run.to() * samples * channels;
                    for (long along = first; along <= high; along++) {
                        product(
                                ordered + left * Float.BYTES,
                                ordered + (right + along * plane) * Float.BYTES,
                                run.count() * samples,
                                sums.address() + place(down, shift, along) * block * Float.BYTES);
                    }
                }
            }
        }
    }

    /** Place of the sum of a shift. */
    private long place(long down, long shift, long along) {
        int last = axes.length - 1;
        long middle = axes.length == 2 ? 1 : 2 * sizes.kernel[1] - 1;
        long between = axes.length == 2 ? 0 : shift + sizes.kernel[1] - 1;
        return (down * middle + between) * (2 * sizes.kernel[last] - 1) + along + sizes.kernel[last] - 1;
    }

    /**
     * destination += leftᵀ · right. One shift at a time: a batch of neighbouring shifts takes as long, and every size
     * of a batch would compile kernels of its own.
     */
    private void product(long left, long right, long length, long destination) {
        PrimitiveKey key = context.key(DnnlKind.GRAM_SHIFTED).add(channels).add(length);
        context.get(
                        key,
                        Cost.product(channels, channels, length),
                        () -> DnnlRecipes.matmul(
                                Layout.dense(length, channels).transposed(),
                                Layout.dense(length, channels),
                                Layout.dense(channels, channels),
                                1))
                .at(0, left)
                .at(1, right)
                .at(2, destination)
                .run(context);
    }

    /**
     * Adds the sums of a class to the blocks of its elements: those of neighbouring elements along the last axis lie
     * behind each other in both.
     */
    private void addBlocks(int[] of, int last) {
        long elements = elements();
        long width = sizes.kernel[last];
        long factor = context.scalar(0, scale);
        for (long a = 0; a < elements; a++) {
            if (!visits(of, a)) {
                continue;
            }
            for (long other = a - a % width; other < elements; other += width) {
                long down = row(other) - row(a);
                long shift = middle(other) - middle(a);
                long first = other < a ? a % width : 0;
                long count = width - first;
                long from = sums.address() + place(down, shift, first - a % width) * block * Float.BYTES;
                long to = matrix.address() + (a * elements + other + first) * block * Float.BYTES;
                add(count * block).at(0, from).at(1, factor).at(2, to).at(3, to).run(context);
            }
        }
    }

    private boolean visits(int[] of, long element) {
        long rest = element;
        for (int axis = axes.length - 1; axis >= 0; axis--) {
            if (!axes[axis].visits(of[axis], rest % sizes.kernel[axis])) {
                return false;
            }
            rest /= sizes.kernel[axis];
        }
        return true;
    }

    private long row(long element) {
        return element / (elements() / sizes.kernel[0]);
    }

    private long middle(long element) {
        return axes.length == 2 ? 0 : element / sizes.kernel[2] % sizes.kernel[1];
    }

    private DnnlPrimitive add(long count) {
        return context.get(
                context.key(DnnlKind.ADD_SCALED).add(count), Cost.elements(count), () -> DnnlRecipes.addScaled(count));
    }

    /**
     * Adds the matrix to the destination, {@code [C · K, C · K]}, or writes it there.
     *
     * @param accumulate whether it is added
     */
    void addTo(CpuTensor destination, boolean accumulate) {
        long elements = elements();
        DnnlPrimitive mirror = SymmetricProducts.mirror(context, channels, channels, channels);
        for (long a = 0; a < elements; a++) {
            for (long other = a + 1; other < elements; other++) {
                mirror.at(0, matrix.address() + (a * elements + other) * block * Float.BYTES)
                        .at(1, matrix.address() + (other * elements + a) * block * Float.BYTES)
                        .run(context);
            }
        }
        GramOrder.write(backend, scope, matrix, new int[] {2, 0, 3, 1}, accumulate, destination);
    }
}
