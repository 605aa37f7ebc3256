// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under windows that move by one over planes. The block of the matrix that belongs
 * to the elements a and b of a window is Σ_p x_p x_{p+δ}ᵀ with δ = b − a, over the positions p that a visits. Inputs are
 * written beside their neighbours in the line, as far as a window reaches: one product sums over the common lines of all
 * elements, for all shifts along the line, those of lines that only some elements visit are added to it. Columns that an
 * element does not visit are taken away. The matrix being symmetric, half of the shifts suffice: for a window of 3 × 3
 * elements 13 products per position instead of 81.
 */
final class NeighbourGrams {

    /** Most memory for the inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 16 << 20;

    /** Blocks of fewer channels are too small for products of their own. */
    private static final long FEWEST_CHANNELS = 48;

    private final NativeBackend backend;
    private final DnnlContexts contexts;

    NeighbourGrams(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
    }

    /** Whether windows move by one over planes of which the columns that are not visited are a small part. */
    static boolean fits(WindowSizes sizes, long channels) {
        if (sizes.axes() != 2 || channels < FEWEST_CHANNELS || sizes.elements() == 1) {
            return false;
        }
        for (int axis = 0; axis < 2; axis++) {
            if (sizes.stride[axis] != 1 || sizes.dilation[axis] != 0 || sizes.input[axis] < sizes.kernel[axis]) {
                return false;
            }
        }
        long columns = sizes.input[1] * ((2 * sizes.kernel[0] - 1) * (2 * sizes.kernel[1] - 1) + 1) / 2;
        return 2 * unvisited(sizes) <= columns;
    }

    /** The number of columns to take away from all blocks from the diagonal on. */
    private static long unvisited(WindowSizes sizes) {
        long count = 0;
        for (long a = 0; a < sizes.kernel[1]; a++) {
            for (long b = 0; b < sizes.kernel[1]; b++) {
                long lines = sizes.kernel[0] * (sizes.kernel[0] + (b < a ? -1 : 1)) / 2;
                count += lines * unvisited(sizes, a, b - a).length;
            }
        }
        return count;
    }

    /** The columns that element {@code a} of a line does not visit, and whose shifted ones lie inside. */
    private static long[] unvisited(WindowSizes sizes, long a, long shift) {
        long first = a - sizes.left[1];
        long end = first + sizes.output[1];
        return LongStream.range(0, sizes.input[1])
                .filter(column ->
                        (column < first || column >= end) && column + shift >= 0 && column + shift < sizes.input[1])
                .toArray();
    }

    /**
     * Adds or writes the matrix; nothing is done if oneDNN is slow at the products.
     *
     * @param inputs the address of the samples, channels last
     * @param accumulate whether it is added
     * @param destination {@code [C · K, C · K]} in all, row-major
     */
    boolean add(
            WindowSizes sizes, long channels, long inputs, double scale, boolean accumulate, CpuTensor destination) {
        long sample = sizes.inputPositions() * channels * Float.BYTES;
        long run = run(sizes.batch, Math.max(1, RUN_BYTES / (sample * (2 * sizes.kernel[1] - 1))));
        try (TensorScope scope = backend.openScope()) {
            var sums = new Sums(scope, sizes.of(run), channels, scale);
            if (!sums.isFast()) {
                return false;
            }
            for (long from = 0; from < sizes.batch; from += run) {
                sums.add(inputs + from * sample, from > 0);
            }
            sums.addTo(destination, accumulate);
        }
        return true;
    }

    /** The largest number up to a limit that divides the batch: all runs are alike. */
    private static long run(long batch, long limit) {
        long run = Math.min(batch, limit);
        while (batch % run != 0) {
            run--;
        }
        return run;
    }

    /** Sums over runs of as many samples, of which the matrix is made. */
    private final class Sums {

        private final DnnlContext context = contexts.get();
        private final TensorScope scope;
        private final WindowSizes sizes;
        private final long channels;
        private final double scale;

        private final long lines;
        private final long width;

        /** The number of neighbours of an input, itself included. */
        private final long neighbours;

        /** The number of elements of a block of the matrix. */
        private final long block;

        /** {@code [line, n, column, neighbour, C]}. */
        private final CpuTensor inputs;

        /** By the distance of two rows of the window, what all rows have in common, {@code [C, shifts, C]}. */
        private final List<CpuTensor> common = new ArrayList<>();

        private final List<Rows> pairs = new ArrayList<>();

        /** @param sizes of a run */
        Sums(TensorScope scope, WindowSizes sizes, long channels, double scale) {
            this.scope = scope;
            this.sizes = sizes;
            this.channels = channels;
            this.scale = scale;
            lines = sizes.input[0];
            width = sizes.input[1];
            neighbours = 2 * sizes.kernel[1] - 1;
            block = channels * channels;
            inputs = backend.singles(scope, Shape.of(lines, sizes.batch, width, neighbours, channels));
            for (long down = 0; down < sizes.kernel[0]; down++) {
                common.add(backend.singles(scope, Shape.of(channels, shifts(down), channels)));
                for (long a = 0; a + down < sizes.kernel[0]; a++) {
                    pairs.add(new Rows(a, down));
                }
            }
        }

        boolean isFast() {
            return product(sizes.batch * width, 1, neighbours * channels, true).usable()
                    && product(sizes.batch * lines, width, channels, true).usable()
                    && copy(neighbours).usable();
        }

        /** The number of shifts along the line that are needed {@code down} lines further. */
        private long shifts(long down) {
            return sizes.kernel[1] - least(down);
        }

        /** The least of them. */
        private long least(long down) {
            return down == 0 ? 0 : 1 - sizes.kernel[1];
        }

        /**
         * Adds the samples of a run.
         *
         * @param more whether there were some before
         */
        void add(long samples, boolean more) {
            writeNeighbours(samples);
            for (long down = 0; down < sizes.kernel[0]; down++) {
                CpuTensor sums = common.get((int) down);
                if (!addLines(firstCommon(down), endCommon(down), down, more, sums) && !more) {
                    backend.elementwise().fill(sums, 0);
                }
            }
            pairs.forEach(rows -> rows.add(more));
        }

        /** Adds the matrix to the destination, or writes it there. */
        void addTo(CpuTensor destination, boolean accumulate) {
            long elements = sizes.elements();
            CpuTensor matrix = backend.singles(scope, Shape.of(elements, elements, channels, channels));
            pairs.forEach(rows -> rows.write(matrix));
            for (long a = 0; a < elements; a++) {
                for (long b = a + 1; b < elements; b++) {
                    SymmetricProducts.mirror(context, channels, channels, channels)
                            .at(0, block(matrix, a, b))
                            .at(1, block(matrix, b, a))
                            .run(context);
                }
            }
            GramOrder.write(backend, scope, matrix, new int[] {2, 0, 3, 1}, accumulate, destination);
        }

        private long block(CpuTensor matrix, long a, long b) {
            return matrix.address() + (a * sizes.elements() + b) * block * Float.BYTES;
        }

        private long firstCommon(long down) {
            return first(sizes.kernel[0] - 1 - down);
        }

        private long endCommon(long down) {
            return Math.max(firstCommon(down), end(0, down));
        }

        /** The first line that row {@code a} of the windows visits. */
        private long first(long a) {
            return Math.max(0, a - sizes.left[0]);
        }

        /** The line behind the last that row {@code a} of the windows visits while that {@code down} further is inside. */
        private long end(long a, long down) {
            return Math.max(first(a), Math.min(lines - down, a - sizes.left[0] + sizes.output[0]));
        }

        /** sums (+)= scale · Σ x_p x_{p+δ}ᵀ over some lines, for all shifts along the line; false if there is no line. */
        private boolean addLines(long from, long to, long down, boolean adds, CpuTensor sums) {
            if (from >= to) {
                return false;
            }
            long line = sizes.batch * width;
            add((to - from) * line, 1, from * line, (from + down) * line, least(down), shifts(down), scale, adds, sums);
            return true;
        }

        /** The same over some inputs, a step apart, for some neighbours. */
        private void add(
                long count,
                long step,
                long left,
                long right,
                long shift,
                long shifts,
                double factor,
                boolean adds,
                CpuTensor sums) {
            product(count, step, shifts * channels, adds)
                    .at(0, at(left, 0))
                    .at(1, at(right, shift))
                    .at(2, context.scalar(0, factor))
                    .at(3, sums.address())
                    .run(context);
        }

        /** The address of the neighbour that lies {@code shift} further than the input with that number. */
        private long at(long number, long shift) {
            return inputs.address() + (number * neighbours + shift + sizes.kernel[1] - 1) * channels * Float.BYTES;
        }

        private DnnlPrimitive product(long count, long step, long columns, boolean adds) {
            long row = step * neighbours * channels;
            double beta = adds ? 1 : 0;
            PrimitiveKey key = context.key(DnnlKind.GRAM_NEIGHBOURS)
                    .add(count)
                    .add(row)
                    .add(channels)
                    .add(columns)
                    .add(beta);
            return context.get(
                    key,
                    Cost.product(channels, columns, count),
                    () -> DnnlRecipes.scaledMatmul(
                            new Layout(new long[] {channels, count}, new long[] {1, row}),
                            new Layout(new long[] {count, columns}, new long[] {row, 1}),
                            Layout.dense(channels, columns),
                            beta));
        }

        /** Copies a block of sums with so many shifts. */
        private DnnlPrimitive copy(long shifts) {
            PrimitiveKey key = context.key(DnnlKind.GRAM_BLOCK).add(channels).add(shifts);
            long[] square = {channels, channels};
            return context.get(
                    key,
                    Cost.elements(block),
                    () -> DnnlRecipes.reorder(
                            new Layout(square, new long[] {shifts * channels, 1}), Layout.dense(square)));
        }

        /** Writes {@code [line, n, column, neighbour, C]}. */
        private void writeNeighbours(long samples) {
            long reach = sizes.kernel[1] - 1;
            long zeros = 0;
            if (reach > 0) {
                CpuTensor none = backend.singles(scope, Shape.of(lines, sizes.batch, reach, channels));
                backend.elementwise().fill(none, 0);
                zeros = none.address();
            }
            long plane = lines * width * channels;
            long[] read = {width * channels, plane, channels, 1};
            for (long shift = -reach; shift <= reach; shift++) {
                long beyond = Math.min(width, Math.abs(shift));
                long first = shift < 0 ? beyond : 0;
                if (beyond < width) {
                    place(width - beyond, read, samples + (first + shift) * channels * Float.BYTES, at(first, shift));
                }
                if (beyond > 0) {
                    long[] none = {sizes.batch * reach * channels, reach * channels, channels, 1};
                    place(beyond, none, zeros, at(shift < 0 ? 0 : width - beyond, shift));
                }
            }
        }

        private void place(long columns, long[] read, long source, long target) {
            long step = neighbours * channels;
            long[] box = {lines, sizes.batch, columns, channels};
            long[] write = {sizes.batch * width * step, width * step, step, 1};
            PrimitiveKey key = context.key(DnnlKind.UNFOLD).add(box).add(read).add(write);
            context.get(
                            key,
                            Cost.elements(lines * sizes.batch * columns * channels),
                            () -> DnnlRecipes.reorder(new Layout(box, read), new Layout(box, write)))
                    .at(0, source)
                    .at(1, target)
                    .run(context);
        }

        /** Two rows of the window, and what their blocks have beside the sums that are common to all rows. */
        private final class Rows {

            private final long a;
            private final long down;
            private final @Nullable CpuTensor further;

            /** By block, the columns to take away; null where there are none. */
            private final List<@Nullable CpuTensor> columns = new ArrayList<>();

            /** Row {@code a} of the window and that {@code down} further. */
            Rows(long a, long down) {
                this.a = a;
                this.down = down;
                boolean more = first(a) < firstCommon(down) || end(a, down) > endCommon(down);
                further = more ? backend.singles(scope, Shape.of(channels, shifts(down), channels)) : null;
                forBlocks((i, j) -> columns.add(
                        first(a) < end(a, down) && unvisited(sizes, i, j - i).length > 0
                                ? backend.singles(scope, Shape.of(channels, channels))
                                : null));
            }

            /** Work on the block of two elements of the rows, by their columns. */
            private interface Work {
                void at(long i, long j);
            }

            private void forBlocks(Work work) {
                for (long i = 0; i < sizes.kernel[1]; i++) {
                    for (long j = down == 0 ? i : 0; j < sizes.kernel[1]; j++) {
                        work.at(i, j);
                    }
                }
            }

            void add(boolean more) {
                long first = first(a);
                long end = end(a, down);
                if (further != null) {
                    boolean some = addLines(first, Math.min(end, firstCommon(down)), down, more, further);
                    addLines(Math.max(first, endCommon(down)), end, down, more || some, further);
                }
                Iterator<@Nullable CpuTensor> places = columns.iterator();
                forBlocks((i, j) -> {
                    CpuTensor place = places.next();
                    if (place != null) {
                        long rows = (end - first) * sizes.batch;
                        long left = first * sizes.batch * width;
                        long right = (first + down) * sizes.batch * width;
                        boolean adds = more;
                        for (long column : unvisited(sizes, i, j - i)) {
                            Sums.this.add(rows, width, left + column, right + column, j - i, 1, -scale, adds, place);
                            adds = true;
                        }
                    }
                });
            }

            void write(CpuTensor matrix) {
                CpuTensor sums = common.get((int) down);
                if (further != null) {
                    add(further.elements, sums.address(), further.address());
                    sums = further;
                }
                long from = sums.address();
                Iterator<@Nullable CpuTensor> places = columns.iterator();
                forBlocks((i, j) -> {
                    long to = block(matrix, a * sizes.kernel[1] + i, (a + down) * sizes.kernel[1] + j);
                    copy(shifts(down))
                            .at(0, from + (j - i - least(down)) * channels * Float.BYTES)
                            .at(1, to)
                            .run(context);
                    CpuTensor place = places.next();
                    if (place != null) {
                        add(block, place.address(), to);
                    }
                });
            }

            private void add(long count, long from, long to) {
                context.get(context.key(DnnlKind.ADD).add(count), Cost.elements(count), () -> DnnlRecipes.add(count))
                        .at(0, to)
                        .at(1, from)
                        .at(2, to)
                        .run(context);
            }
        }
    }
}
