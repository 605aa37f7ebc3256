// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

/**
 * matrix += scale · Σ_b x_b x_bᵀ of many vectors, {@code [B, L]}. The matrix being symmetric, each panel of rows is
 * multiplied from the diagonal on only; what lies left of it is the mirror image of panels above.
 */
final class SymmetricProducts {

    /** With fewer vectors, mirror images take as long as the products that they save. */
    private static final long FEWEST_VECTORS = 128;

    /** Panels of shorter vectors are too small to be products of their own. */
    private static final long SHORTEST = 256;

    private static final long PANELS = 4;

    /** Vectors of this length have twice as many. */
    private static final long LONG = 2048;

    /** Number of elements in a register: panels are multiples of it. */
    private static final long LANES = 16;

    private final DnnlContexts contexts;

    SymmetricProducts(DnnlContexts contexts) {
        this.contexts = contexts;
    }

    static boolean fits(long vectors, long length) {
        return vectors >= FEWEST_VECTORS && length >= SHORTEST;
    }

    /**
     * Adds to a symmetric {@code matrix}, whose address it is, as well as that of {@code vectors}, or overwrites it;
     * nothing is done if oneDNN is slow at it.
     */
    boolean add(long vectors, long count, long length, double scale, boolean accumulate, long matrix) {
        DnnlContext context = contexts.get();
        double multiplications = (double) count * length * length / 2;
        if (Rounding.pays(context, multiplications, (double) count * length)
                && usable(context, count, length, accumulate, true)) {
            try (var operands = new Rounding.Operands(context, vectors, count * length, vectors, count * length)) {
                add(context, operands.left(), count, length, scale, accumulate, true, matrix);
            }
            return true;
        }
        if (!usable(context, count, length, accumulate, false)) {
            return false;
        }
        add(context, vectors, count, length, scale, accumulate, false, matrix);
        return true;
    }

    /** The number of rows of all panels but perhaps the last. */
    private static long width(long length) {
        if (length < SHORTEST) {
            return length;
        }
        long panels = length < LONG ? PANELS : 2 * PANELS;
        return (length + panels * LANES - 1) / (panels * LANES) * LANES;
    }

    private static boolean usable(DnnlContext context, long count, long length, boolean accumulate, boolean rounded) {
        long width = width(length);
        for (long first = 0; first < length; first += width) {
            if (!panel(context, count, length, first, Math.min(width, length - first), accumulate, rounded)
                    .usable()) {
                return false;
            }
        }
        return true;
    }

    private static void add(
            DnnlContext context,
            long vectors,
            long count,
            long length,
            double scale,
            boolean accumulate,
            boolean rounded,
            long matrix) {
        long width = width(length);
        long bytes = rounded ? Rounding.BYTES : Float.BYTES;
        long factor = context.scalar(0, scale);
        for (long first = 0; first < length; first += width) {
            long rows = Math.min(width, length - first);
            panel(context, count, length, first, rows, accumulate, rounded)
                    .at(0, vectors + first * bytes)
                    .at(1, vectors + first * bytes)
                    .at(2, factor)
                    .at(3, matrix + (first * length + first) * Float.BYTES)
                    .run(context);
            long next = first + rows;
            if (next < length) {
                mirror(context, rows, length - next, length)
                        .at(0, matrix + (first * length + next) * Float.BYTES)
                        .at(1, matrix + (next * length + first) * Float.BYTES)
                        .run(context);
            }
        }
    }

    /** The rows from {@code first} on, from the diagonal on. */
    private static DnnlPrimitive panel(
            DnnlContext context, long count, long length, long first, long rows, boolean accumulate, boolean rounded) {
        double beta = accumulate ? 1 : 0;
        long columns = length - first;
        PrimitiveKey key = context.key(DnnlKind.GRAM_PANEL)
                .add(count)
                .add(length)
                .add(rows)
                .add(columns)
                .add(beta)
                .add(rounded ? 1 : 0);
        return context.get(
                key,
                Cost.product(rows, columns, count),
                () -> DnnlRecipes.scaledMatmul(
                        new Layout(new long[] {rows, count}, new long[] {1, length}, rounded),
                        new Layout(new long[] {count, columns}, new long[] {length, 1}, rounded),
                        new Layout(new long[] {rows, columns}, new long[] {length, 1}),
                        beta));
    }

    /**
     * Copies a block of {@code rows} and {@code columns} to its transpose in the same matrix, or another with as long
     * rows.
     */
    static DnnlPrimitive mirror(DnnlContext context, long rows, long columns, long rowLength) {
        PrimitiveKey key =
                context.key(DnnlKind.GRAM_MIRROR).add(rows).add(columns).add(rowLength);
        long[] sizes = {columns, rows};
        return context.get(
                key,
                Cost.elements(rows * columns),
                () -> DnnlRecipes.reorder(
                        new Layout(sizes, new long[] {1, rowLength}), new Layout(sizes, new long[] {rowLength, 1})));
    }
}
