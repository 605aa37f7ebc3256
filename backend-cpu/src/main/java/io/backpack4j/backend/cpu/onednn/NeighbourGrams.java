// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under windows that move by one over planes. The block of the matrix that
 * belongs to the elements a and b of a window is Σ_p x_p x_{p+δ}ᵀ with δ = b − a, over the positions p that a visits.
 * Inputs are written beside their neighbours in the line, as far as a window reaches: one product sums over many lines
 * for all shifts along the line. Lines and columns that only some elements visit have sums of their own, which are
 * added where they belong; nothing is taken away. The matrix being symmetric, half of the shifts suffice: for a window
 * of 3 × 3 elements 13 products per position instead of 81.
 */
final class NeighbourGrams {

    /** Most memory for the inputs of a run of samples, unless one sample takes more. */
    private static final long RUN_BYTES = 16 << 20;

    /** Blocks of fewer channels are too small for products of their own. */
    private static final long FEWEST_CHANNELS = 48;

    /** With fewer multiplications per shift, the many calls take longer than products that share less. */
    private static final double LEAST_WORK = 1 << 24;

    private final NativeBackend backend;
    private final DnnlContexts contexts;

    NeighbourGrams(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
    }

    /** Whether windows move by one over planes, most of whose columns all elements visit. */
    static boolean fits(WindowSizes sizes, long channels) {
        if (sizes.axes() != 2 || channels < FEWEST_CHANNELS || sizes.elements() == 1) {
            return false;
        }
        for (int axis = 0; axis < 2; axis++) {
            if (sizes.stride[axis] != 1 || sizes.dilation[axis] != 0 || sizes.input[axis] < sizes.kernel[axis]) {
                return false;
            }
        }
        return 2 * (endOfAll(sizes) - firstOfAll(sizes)) > sizes.input[1];
    }

    /** Whether there is so much to multiply that many calls pay. */
    static boolean pays(WindowSizes sizes, long channels) {
        return (double) channels * channels * sizes.batch * sizes.inputPositions() >= LEAST_WORK;
    }

    /** The first column that all elements visit. */
    private static long firstOfAll(WindowSizes sizes) {
        return Math.max(0, sizes.kernel[1] - 1 - sizes.left[1]);
    }

    /** The column behind the last one that all elements visit. */
    private static long endOfAll(WindowSizes sizes) {
        return Math.min(sizes.input[1], sizes.output[1] - sizes.left[1]);
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
        // a divisor, so that all runs are alike
        long run = SamplePlanes.divisor(sizes.batch, Math.max(1, RUN_BYTES / (sample * (2 * sizes.kernel[1] - 1))));
        try (TensorScope scope = backend.openScope()) {
            var sums = new Sums(scope, sizes.of(run), channels, scale);
            if (!sums.isFast()) {
                return false;
            }
            for (long from = 0; from < sizes.batch; from += run) {
                sums.add(inputs + from * sample, from > 0);
            }
            GramOrder.write(backend, scope, sums.matrix(), new int[] {2, 0, 3, 1}, accumulate, destination);
        }
        return true;
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

        /** How far a window reaches beside an element. */
        private final long reach;

        /** The number of neighbours of an input, itself included. */
        private final long neighbours;

        /** The number of elements of a block of the matrix. */
        private final long block;

        /** The columns that only some elements of a window visit. */
        private final long[] edges;

        /** As many as lie beyond a line, {@code [line, n, column, C]}. */
        private final CpuTensor zeros;

        private final Inputs inner;
        private final Inputs outer;

        /** By the distance of two rows of a window, what all such rows have in common. */
        private final List<LineSums> common = new ArrayList<>();

        private final List<List<Rows>> pairs = new ArrayList<>();

        /** @param sizes of a run */
        Sums(TensorScope scope, WindowSizes sizes, long channels, double scale) {
            this.scope = scope;
            this.sizes = sizes;
            this.channels = channels;
            this.scale = scale;
            lines = sizes.input[0];
            width = sizes.input[1];
            reach = sizes.kernel[1] - 1;
            neighbours = 2 * reach + 1;
            block = channels * channels;
            long first = firstOfAll(sizes);
            long end = endOfAll(sizes);
            edges = LongStream.range(0, width)
                    .filter(column -> column < first || column >= end)
                    .toArray();
            zeros = backend.singles(scope, Shape.of(lines, sizes.batch, Math.max(1, reach), channels));
            backend.elementwise().fill(zeros, 0);
            inner = new Inputs(LongStream.range(first, end).toArray());
            outer = new Inputs(edges);
            for (long down = 0; down < sizes.kernel[0]; down++) {
                common.add(new LineSums(down));
                List<Rows> rows = new ArrayList<>();
                for (long a = 0; a + down < sizes.kernel[0]; a++) {
                    rows.add(new Rows(a, down));
                }
                pairs.add(rows);
            }
        }

        boolean isFast() {
            return product(sizes.batch * width, 1, neighbours * channels, true).usable()
                    && product(sizes.batch * lines, Math.max(1, edges.length), channels, true)
                            .usable()
                    && copy(neighbours).usable();
        }

        /** The number of shifts along the line that are needed {@code down} lines further. */
        private long shifts(long down) {
            return down == 0 ? reach + 1 : neighbours;
        }

        /** The least of them. */
        private long least(long down) {
            return down == 0 ? 0 : -reach;
        }

        /** The first line that row {@code a} of the windows visits. */
        private long first(long a) {
            return Math.max(0, a - sizes.left[0]);
        }

        /** The line behind the last that row {@code a} visits while that {@code down} further is inside. */
        private long end(long a, long down) {
            return Math.max(first(a), Math.min(lines - down, a - sizes.left[0] + sizes.output[0]));
        }

        private long firstCommon(long down) {
            return first(sizes.kernel[0] - 1 - down);
        }

        private long endCommon(long down) {
            return Math.max(firstCommon(down), end(0, down));
        }

        /**
         * Adds the samples of a run.
         *
         * @param more whether there were some before
         */
        void add(long samples, boolean more) {
            inner.write(samples);
            outer.write(samples);
            for (int down = 0; down < common.size(); down++) {
                if (!common.get(down).add(firstCommon(down), endCommon(down), more) && !more) {
                    common.get(down).clear();
                }
                pairs.get(down).forEach(rows -> rows.add(more));
            }
        }

        /** The matrix, {@code [element, element, C, C]}; called once. */
        CpuTensor matrix() {
            long elements = sizes.elements();
            CpuTensor matrix = backend.singles(scope, Shape.of(elements, elements, channels, channels));
            for (int down = 0; down < common.size(); down++) {
                LineSums all = common.get(down);
                pairs.get(down).forEach(rows -> rows.writeWithout(all, matrix));
                all.joinColumns();
                pairs.get(down).forEach(rows -> rows.writeWith(all, matrix));
            }
            for (long a = 0; a < elements; a++) {
                for (long b = a + 1; b < elements; b++) {
                    SymmetricProducts.mirror(context, channels, channels, channels)
                            .at(0, block(matrix, a, b))
                            .at(1, block(matrix, b, a))
                            .run(context);
                }
            }
            return matrix;
        }

        private long block(CpuTensor matrix, long a, long b) {
            return matrix.address() + (a * sizes.elements() + b) * block * Float.BYTES;
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

        private void add(long count, long from, long to) {
            context.get(context.key(DnnlKind.ADD).add(count), Cost.elements(count), () -> DnnlRecipes.add(count))
                    .at(0, to)
                    .at(1, from)
                    .at(2, to)
                    .run(context);
        }

        /** Some columns of the inputs, beside their neighbours: {@code [line, n, column, neighbour, C]}. */
        private final class Inputs {

            private final long[] columns;
            private final CpuTensor memory;

            Inputs(long[] columns) {
                this.columns = columns;
                this.memory =
                        backend.singles(scope, Shape.of(lines, sizes.batch, columns.length, neighbours, channels));
            }

            /** The address of the neighbour that lies {@code shift} further than the input of the first sample. */
            long at(long line, long column, long shift) {
                long number = line * sizes.batch * columns.length + column;
                return memory.address() + (number * neighbours + reach + shift) * channels * Float.BYTES;
            }

            /** sums (+)= scale · Σ x_p x_{p+δ}ᵀ over some lines, for some shifts along the line. */
            void add(long from, long to, long down, long least, long shifts, boolean adds, CpuTensor sums) {
                long count = (to - from) * sizes.batch * columns.length;
                run(product(count, 1, shifts * channels, adds), from, down, 0, least, sums);
            }

            /** The same in one of the columns, for one shift. */
            void addColumn(int column, long from, long to, long down, long shift, boolean adds, CpuTensor sums) {
                long count = (to - from) * sizes.batch;
                run(product(count, columns.length, channels, adds), from, down, column, shift, sums);
            }

            private void run(DnnlPrimitive product, long line, long down, long column, long shift, CpuTensor sums) {
                product.at(0, at(line, column, 0))
                        .at(1, at(line + down, column, shift))
                        .at(2, context.scalar(0, scale))
                        .at(3, sums.address())
                        .run(context);
            }

            void write(long samples) {
                for (long shift = -reach; shift <= reach; shift++) {
                    int from = 0;
                    while (from < columns.length) {
                        boolean inside = isInside(columns[from] + shift);
                        int to = from + 1;
                        while (to < columns.length
                                && columns[to] == columns[to - 1] + 1
                                && isInside(columns[to] + shift) == inside) {
                            to++;
                        }
                        place(inside ? samples : 0, from, to - from, shift);
                        from = to;
                    }
                }
            }

            private boolean isInside(long column) {
                return column >= 0 && column < width;
            }

            /** Writes some neighbouring columns, or zeros if there are no samples. */
            private void place(long samples, int from, long count, long shift) {
                long step = neighbours * channels;
                long[] box = {lines, sizes.batch, count, channels};
                long[] write = {sizes.batch * columns.length * step, columns.length * step, step, 1};
                long[] read = samples == 0
                        ? Layout.dense(box).strides()
                        : new long[] {width * channels, lines * width * channels, channels, 1};
                long source =
                        samples == 0 ? zeros.address() : samples + (columns[from] + shift) * channels * Float.BYTES;
                PrimitiveKey key =
                        context.key(DnnlKind.UNFOLD).add(box).add(read).add(write);
                context.get(
                                key,
                                Cost.elements(lines * sizes.batch * count * channels),
                                () -> DnnlRecipes.reorder(new Layout(box, read), new Layout(box, write)))
                        .at(0, source)
                        .at(1, at(0, from, shift))
                        .run(context);
            }
        }

        /** Sums over lines, {@code [C, shifts, C]}, of the inner columns and of the edges. */
        private final class LineSums {

            private final long down;
            private final CpuTensor ofInner;
            private final @Nullable CpuTensor ofEdges;

            LineSums(long down) {
                this.down = down;
                Shape shape = Shape.of(channels, shifts(down), channels);
                ofInner = backend.singles(scope, shape);
                ofEdges = edges.length == 0 ? null : backend.singles(scope, shape);
            }

            /** Adds or writes some lines; false if there are none. */
            boolean add(long from, long to, boolean adds) {
                if (from >= to) {
                    return false;
                }
                inner.add(from, to, down, least(down), shifts(down), adds, ofInner);
                if (ofEdges != null) {
                    outer.add(from, to, down, least(down), shifts(down), adds, ofEdges);
                }
                return true;
            }

            void clear() {
                backend.elementwise().fill(ofInner, 0);
                if (ofEdges != null) {
                    backend.elementwise().fill(ofEdges, 0);
                }
            }

            /** Adds the edges to the inner columns. */
            void joinColumns() {
                if (ofEdges != null) {
                    Sums.this.add(ofEdges.elements, ofEdges.address(), ofInner.address());
                }
            }
        }

        /** Two rows of a window, and what their blocks have beside the sums that are common to all such rows. */
        private final class Rows {

            private final long a;
            private final long down;

            /** Of lines that not all such rows visit; null if there are none. */
            private final @Nullable LineSums further;

            /** By block, the edges that its element visits; null where these are all, or none. */
            private final List<@Nullable CpuTensor> someEdges = new ArrayList<>();

            /** Row {@code a} of the window and that {@code down} further. */
            Rows(long a, long down) {
                this.a = a;
                this.down = down;
                boolean more =
                        first(a) < end(a, down) && (first(a) < firstCommon(down) || end(a, down) > endCommon(down));
                further = more ? new LineSums(down) : null;
                forBlocks((i, j) -> someEdges.add(
                        first(a) < end(a, down) && lacksEdges(i, j - i) && visitedEdges(i, j - i).length > 0
                                ? backend.singles(scope, Shape.of(channels, channels))
                                : null));
            }

            /** Work on the block of two elements of the rows, by their columns. */
            private interface Work {
                void at(long i, long j);
            }

            private void forBlocks(Work work) {
                for (long i = 0; i <= reach; i++) {
                    for (long j = down == 0 ? i : 0; j <= reach; j++) {
                        work.at(i, j);
                    }
                }
            }

            /** The numbers of the edges that element {@code i} visits, and whose shifted columns lie inside. */
            private int[] visitedEdges(long i, long shift) {
                return edges(i, shift, true);
            }

            /** Whether there are edges that it does not visit. */
            private boolean lacksEdges(long i, long shift) {
                return edges(i, shift, false).length > 0;
            }

            private int[] edges(long i, long shift, boolean visited) {
                long first = i - sizes.left[1];
                long end = first + sizes.output[1];
                return IntStream.range(0, edges.length)
                        .filter(e -> (edges[e] >= first && edges[e] < end) == visited
                                && edges[e] + shift >= 0
                                && edges[e] + shift < width)
                        .toArray();
            }

            void add(boolean more) {
                long first = first(a);
                long end = end(a, down);
                if (further != null) {
                    boolean some = further.add(first, Math.min(end, firstCommon(down)), more);
                    further.add(Math.max(first, endCommon(down)), end, more || some);
                }
                Iterator<@Nullable CpuTensor> sums = someEdges.iterator();
                forBlocks((i, j) -> {
                    CpuTensor own = sums.next();
                    if (own != null) {
                        boolean adds = more;
                        for (int edge : visitedEdges(i, j - i)) {
                            outer.addColumn(edge, first, end, down, j - i, adds, own);
                            adds = true;
                        }
                    }
                });
            }

            /** Writes the blocks of elements that do not visit all edges. */
            void writeWithout(LineSums common, CpuTensor matrix) {
                if (further != null) {
                    Sums.this.add(block * shifts(down), common.ofInner.address(), further.ofInner.address());
                }
                Iterator<@Nullable CpuTensor> sums = someEdges.iterator();
                forBlocks((i, j) -> {
                    CpuTensor own = sums.next();
                    if (lacksEdges(i, j - i)) {
                        long to = write(common, i, j, matrix);
                        if (own != null) {
                            Sums.this.add(block, own.address(), to);
                        }
                    }
                });
            }

            /** Writes the other blocks; the common sums hold the edges, too. */
            void writeWith(LineSums common, CpuTensor matrix) {
                if (further != null) {
                    further.joinColumns();
                    if (common.ofEdges != null) {
                        Sums.this.add(block * shifts(down), common.ofEdges.address(), further.ofInner.address());
                    }
                }
                forBlocks((i, j) -> {
                    if (!lacksEdges(i, j - i)) {
                        write(common, i, j, matrix);
                    }
                });
            }

            /** Writes a block of the sums. Returns its address. */
            private long write(LineSums common, long i, long j, CpuTensor matrix) {
                long from = (further == null ? common : further).ofInner.address();
                long to = block(matrix, a * (reach + 1) + i, (a + down) * (reach + 1) + j);
                copy(shifts(down))
                        .at(0, from + (j - i - least(down)) * channels * Float.BYTES)
                        .at(1, to)
                        .run(context);
                return to;
            }
        }
    }
}
