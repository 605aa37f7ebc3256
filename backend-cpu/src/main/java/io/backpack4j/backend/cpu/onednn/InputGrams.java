// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under the windows of a convolution with steps of one, channels last. Inputs are
 * unfolded along all axes but the first: X_y holds what lies in row y. The block of the matrix that belongs to the rows
 * a and a + d of a window is Σ_y X_yᵀ X_{y+d} over the rows that row a of the windows visits. These are nearly the same
 * for every a: the sum over common rows is computed once per d.
 */
final class InputGrams {

    /** Most memory for the unfolded inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 64 << 20;

    private final NativeBackend backend;
    private final DnnlContexts contexts;

    InputGrams(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
    }

    /** Whether windows step so that rows can be shared. */
    static boolean fits(Window window) {
        return window.axes() <= 3
                && window.stride().stream().allMatch(step -> step == 1)
                && window.dilation().stream().allMatch(step -> step == 1);
    }

    /**
     * Adds the matrix.
     *
     * @param inputs the address of the samples, channels last
     * @param sizes of all samples
     * @param destination {@code [C · K, C · K]} in all, row-major
     */
    void add(Window window, WindowSizes sizes, long channels, long inputs, double scale, CpuTensor destination) {
        long sample = sizes.inputPositions() * channels * Float.BYTES;
        long unfolded = sizes.input[0] * elements(sizes.output, 1) * elements(sizes.kernel, 1) * channels * Float.BYTES;
        long run = Math.max(1, Math.min(sizes.batch, RUN_BYTES / unfolded));
        for (long from = 0; from < sizes.batch; from += run) {
            long count = Math.min(run, sizes.batch - from);
            try (TensorScope scope = backend.openScope()) {
                new Run(scope, window, sizes, channels, count).add(inputs + from * sample, scale, destination);
            }
        }
    }

    private static long elements(long[] sizes, int from) {
        long product = 1;
        for (int axis = from; axis < sizes.length; axis++) {
            product *= sizes[axis];
        }
        return product;
    }

    /** Some samples. */
    private final class Run {

        private final DnnlContext context = contexts.get();
        private final TensorScope scope;
        private final Window window;
        private final WindowSizes sizes;
        private final long channels;
        private final long samples;

        /** Rows of a window, and rows of the input. */
        private final long rows;

        private final long height;

        /** The length of an unfolded row, and how many of them belong to a row of the input. */
        private final long width;

        private final long length;

        /** All elements of a window, with all channels. */
        private final long total;

        Run(TensorScope scope, Window window, WindowSizes sizes, long channels, long samples) {
            this.scope = scope;
            this.window = window;
            this.sizes = sizes;
            this.channels = channels;
            this.samples = samples;
            rows = sizes.kernel[0];
            height = sizes.input[0];
            width = elements(sizes.kernel, 1) * channels;
            length = samples * elements(sizes.output, 1);
            total = rows * width;
        }

        void add(long inputs, double scale, CpuTensor destination) {
            CpuTensor unfolded = backend.singles(scope, Shape.of(height, length, width));
            unfold(inputs, unfolded);
            CpuTensor matrix = backend.singles(scope, Shape.of(total, total));
            CpuTensor core = backend.singles(scope, Shape.of(width, width));
            for (long distance = 0; distance < rows; distance++) {
                blocks(unfolded.address(), distance, core.address(), matrix.address());
            }
            long elements = total / channels;
            CpuTensor ordered = backend.singles(scope, Shape.of(channels, elements, channels, elements));
            Tensor parts = scope.view(matrix, Shape.of(elements, channels, elements, channels));
            backend.indexing().permute(parts, new int[] {1, 0, 3, 2}, ordered);
            backend.elementwise().addScaled(scale, scope.view(ordered, destination.shape()), destination);
        }

        /** The blocks of rows that lie {@code distance} apart, and their mirror images. */
        private void blocks(long unfolded, long distance, long core, long matrix) {
            long firstCommon = first(rows - 1 - distance);
            long endCommon = end(0, distance);
            boolean shared = firstCommon < endCommon;
            if (shared) {
                product(unfolded, firstCommon, endCommon, distance, 0, core, width);
            }
            for (long a = 0; a + distance < rows; a++) {
                long block = matrix + (a * width * total + (a + distance) * width) * Float.BYTES;
                long first = first(a);
                long end = end(a, distance);
                if (shared) {
                    copy(core, block);
                    product(unfolded, first, Math.min(end, firstCommon), distance, 1, block, total);
                    product(unfolded, Math.max(first, endCommon), end, distance, 1, block, total);
                } else if (first < end) {
                    product(unfolded, first, end, distance, 0, block, total);
                } else {
                    copy(zeros(), block);
                }
                if (distance > 0) {
                    long mirror = matrix + ((a + distance) * width * total + a * width) * Float.BYTES;
                    SymmetricProducts.mirror(context, width, width, total)
                            .at(0, block)
                            .at(1, mirror)
                            .run(context);
                }
            }
        }

        /** The first row of the input that row {@code a} of the windows visits. */
        private long first(long a) {
            return Math.max(0, a - sizes.left[0]);
        }

        /**
         * The row behind the last that row {@code a} of the windows visits while the one {@code distance} further is
         * inside.
         */
        private long end(long a, long distance) {
            return Math.max(first(a), Math.min(height - distance, a - sizes.left[0] + sizes.output[0]));
        }

        private long zeros() {
            CpuTensor zeros = backend.singles(scope, Shape.of(width, width));
            backend.elementwise().fill(zeros, 0);
            return zeros.address();
        }

        /** block = Σ_y X_yᵀ X_{y + distance} + beta · block over rows {@code from} to {@code to}. */
        private void product(long unfolded, long from, long to, long distance, double beta, long block, long stride) {
            if (from >= to) {
                return;
            }
            long inner = (to - from) * length;
            PrimitiveKey key =
                    context.key(DnnlKind.GRAM).add(inner).add(width).add(stride).add(beta);
            long row = length * width * Float.BYTES;
            context.get(
                            key,
                            Cost.product(width, width, inner),
                            () -> DnnlRecipes.matmul(
                                    Layout.dense(inner, width).transposed(),
                                    Layout.dense(inner, width),
                                    new Layout(new long[] {width, width}, new long[] {stride, 1}),
                                    beta))
                    .at(0, unfolded + from * row)
                    .at(1, unfolded + (from + distance) * row)
                    .at(2, block)
                    .run(context);
        }

        /** Copies a block into the whole matrix. */
        private void copy(long from, long block) {
            PrimitiveKey key = context.key(DnnlKind.GRAM_BLOCK).add(width).add(total);
            long[] square = {width, width};
            context.get(
                            key,
                            Cost.elements(width * width),
                            () -> DnnlRecipes.reorder(Layout.dense(square), new Layout(square, new long[] {total, 1})))
                    .at(0, from)
                    .at(1, block)
                    .run(context);
        }

        /** Writes {@code [y, n, *positions, elements, C]}. */
        private void unfold(long inputs, CpuTensor unfolded) {
            int axes = sizes.axes();
            boolean padded = false;
            for (int axis = 1; axis < axes; axis++) {
                padded |= sizes.left[axis] > 0 || sizes.right[axis] > 0;
            }
            if (padded) {
                backend.elementwise().fill(unfolded, 0);
            }
            Layout from = sizes.inputs(channels);
            long elements = elements(sizes.kernel, 1);
            for (long element = 0; element < elements; element++) {
                // axes: y, n, the other positions, channels
                long[] box = new long[axes + 2];
                long[] read = new long[axes + 2];
                long[] write = new long[axes + 2];
                box[0] = height;
                read[0] = from.strides()[2];
                write[0] = length * width;
                box[1] = samples;
                read[1] = from.strides()[0];
                write[1] = elements(sizes.output, 1) * width;
                box[axes + 1] = channels;
                read[axes + 1] = 1;
                write[axes + 1] = 1;
                long source = inputs;
                long target = unfolded.address() + element * channels * Float.BYTES;
                long rest = element;
                long step = width;
                for (int axis = axes - 1; axis >= 1; axis--) {
                    long k = rest % sizes.kernel[axis];
                    rest /= sizes.kernel[axis];
                    Window.Overlap overlap = window.overlap(axis, k, sizes.input[axis], sizes.output[axis]);
                    box[axis + 1] = overlap.count();
                    read[axis + 1] = from.strides()[axis + 2];
                    write[axis + 1] = step;
                    source += overlap.firstInput() * read[axis + 1] * Float.BYTES;
                    target += overlap.firstOutput() * step * Float.BYTES;
                    step *= sizes.output[axis];
                }
                if (Arrays.stream(box).allMatch(size -> size > 0)) {
                    PrimitiveKey key =
                            context.key(DnnlKind.UNFOLD).add(box).add(read).add(write);
                    context.get(
                                    key,
                                    Cost.elements(unfolded.elements / elements),
                                    () -> DnnlRecipes.reorder(new Layout(box, read), new Layout(box, write)))
                            .at(0, source)
                            .at(1, target)
                            .run(context);
                }
            }
        }
    }
}
