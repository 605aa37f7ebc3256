// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Σ_n Σ_t u_nt u_ntᵀ of the inputs u_nt under windows that are larger than the planes they slide over: most of what a
 * window sees is padding, and windows see the same. An entry of the matrix is a sum of few entries of the planes' own
 * Gram matrix, {@code [C, C, Q, Q]}, which is smaller and takes fewer multiplications. For each element of the window
 * one product with a matrix of zeros and ones makes these sums and writes them where they belong, since the rows
 * {@code (c, ·)} and the columns {@code (d, ·)} depend on the Q² numbers of c and d alone.
 */
final class PlaneGrams {

    /** Matrices with fewer rows are small beside the calls that other forms take. */
    private static final long FEWEST_ROWS = 1024;

    private final NativeBackend backend;
    private final DnnlContexts contexts;

    PlaneGrams(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
    }

    /** Whether the planes have so few positions that their matrix is small beside that of the windows. */
    static boolean fits(WindowSizes sizes, long channels) {
        long positions = sizes.inputPositions();
        return positions * positions <= 2 * sizes.elements() && sizes.elements() * channels >= FEWEST_ROWS;
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
        DnnlContext context = contexts.get();
        int positions = (int) sizes.inputPositions();
        int elements = (int) sizes.elements();
        int[][] reads = sizes.reads();
        Rows[] rows = new Rows[elements];
        for (int a = 0; a < elements; a++) {
            rows[a] = Rows.of(reads, a, positions);
            if (!rows[a].product(context, channels, positions, accumulate).usable()) {
                return false;
            }
        }
        try (TensorScope scope = backend.openScope()) {
            long gram = gram(context, scope, sizes.batch, channels, positions, inputs, scale);
            CpuTensor choices = backend.singles(scope, Shape.of((long) positions * positions * elements));
            for (int a = 0; a < elements; a++) {
                float[] ones = rows[a].choice();
                choices.block.put(choices.at(0), ones, 0, ones.length);
                rows[a].product(context, channels, positions, accumulate)
                        .at(0, gram + (long) rows[a].first * positions * Float.BYTES)
                        .at(1, choices.address())
                        .at(2, destination.address() + a * channels * elements * Float.BYTES)
                        .run(context);
            }
        }
        return true;
    }

    /** The address of scale · Σ_n x_n(c, p) x_n(d, q), {@code [C, C, Q, Q]}. */
    private long gram(
            DnnlContext context,
            TensorScope scope,
            long samples,
            long channels,
            long positions,
            long inputs,
            double scale) {
        long width = channels * positions;
        CpuTensor planes = backend.singles(scope, Shape.of(samples, width));
        ChannelsLastPlanes.reorder(context, samples * width, new Arrangement.ChannelsLast(channels, positions), false)
                .at(0, inputs)
                .at(1, planes.address())
                .run(context);
        CpuTensor products = backend.singles(scope, Shape.of(width, width));
        context.get(
                        context.key(DnnlKind.GRAM_PLANES).add(samples).add(width),
                        Cost.product(width, width, samples),
                        () -> DnnlRecipes.scaledMatmul(
                                Layout.dense(samples, width).transposed(),
                                Layout.dense(samples, width),
                                Layout.dense(width, width),
                                0))
                .at(0, planes.address())
                .at(1, planes.address())
                .at(2, context.scalar(0, scale))
                .at(3, products.address())
                .run(context);
        CpuTensor ordered = backend.singles(scope, Shape.of(width, width));
        long[] sizes = {channels, channels, positions, positions};
        context.get(
                        context.key(DnnlKind.GRAM_PLANES_ORDER).add(channels).add(positions),
                        Cost.elements(width * width),
                        () -> DnnlRecipes.reorder(
                                new Layout(sizes, new long[] {positions * width, positions, width, 1}),
                                Layout.dense(sizes)))
                .at(0, products.address())
                .at(1, ordered.address())
                .run(context);
        return ordered.address();
    }

    /**
     * The rows of the matrix that belong to one element of the window.
     *
     * @param reads what the elements read at every output position, that of this one first
     * @param element which one
     * @param positions Q
     * @param first the first of the Q positions that the element reads
     * @param count how many there are up to the last one
     */
    private record Rows(int[][] reads, int element, int positions, int first, int count) {

        static Rows of(int[][] reads, int element, int positions) {
            int first = positions;
            int last = -1;
            for (int read : reads[element]) {
                first = read < 0 ? first : Math.min(first, read);
                last = Math.max(last, read);
            }
            return last < 0
                    ? new Rows(reads, element, positions, 0, 1)
                    : new Rows(reads, element, positions, first, last - first + 1);
        }

        /** Which of the numbers of two channels an entry is the sum of, {@code [count · Q, K]}. */
        float[] choice() {
            int elements = reads.length;
            float[] ones = new float[count * positions * elements];
            for (int b = 0; b < elements; b++) {
                for (int t = 0; t < reads[b].length; t++) {
                    if (reads[element][t] >= 0 && reads[b][t] >= 0) {
                        ones[((reads[element][t] - first) * positions + reads[b][t]) * elements + b]++;
                    }
                }
            }
            return ones;
        }

        DnnlPrimitive product(DnnlContext context, long channels, long positions, boolean accumulate) {
            long elements = reads.length;
            long inner = count * positions;
            double beta = accumulate ? 1 : 0;
            PrimitiveKey key = context.key(DnnlKind.GRAM_PLANES_SUM)
                    .add(channels)
                    .add(positions)
                    .add(elements)
                    .add(inner)
                    .add(beta);
            return context.get(
                    key,
                    Cost.product(channels * channels, elements, inner),
                    () -> DnnlRecipes.matmul(
                            new Layout(
                                    new long[] {channels, channels, inner},
                                    new long[] {channels * positions * positions, positions * positions, 1}),
                            Layout.dense(1, inner, elements),
                            new Layout(
                                    new long[] {channels, channels, elements},
                                    new long[] {elements * channels * elements, elements, 1}),
                            beta));
        }
    }
}
