// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.PerSampleProduct;
import org.jspecify.annotations.Nullable;

/**
 * destination += Σ_b w_b (l_b ⊗ r_c − center)², c = b mod C: tiles that are products of two vectors. Neither expanded,
 * which would cancel, nor materialised: a piece of a destination row stays in the first cache while a run of b's passes
 * by.
 */
abstract class OuterSquares {

    /** The length of a piece; a piece of every right factor of a run fits into the second cache. */
    static final int WIDTH = 512;

    /** Number of b's that pass by at a time. */
    static final int RUN = 128;

    /** Number of elements of every left factor at hand at a time. */
    static final int HEIGHT = 32;

    /** What an element of a tile takes. */
    private static final double NANOSECONDS = 0.2;

    private static final ThreadLocal<OuterSquares> SINGLE = ThreadLocal.withInitial(OuterSquaresSingle::new);
    private static final ThreadLocal<OuterSquares> DOUBLE = ThreadLocal.withInitial(OuterSquaresDouble::new);

    private static OuterSquares of(CpuTensor destination) {
        return destination.isSingle() ? SINGLE.get() : DOUBLE.get();
    }

    /**
     * Adds the squares of a product with one position. Left is read as [B, G·M], right as [C, G·K], center and
     * destination as [G, M, K].
     *
     * @param weights {@code [B]}, or null for ones
     */
    static void add(
            Team team,
            PerSampleProduct sizes,
            CpuTensor left,
            CpuTensor right,
            CpuTensor center,
            @Nullable CpuTensor weights,
            CpuTensor destination) {
        double perRow = NANOSECONDS * sizes.batch() * sizes.groups() * sizes.columns();
        team.forAll(
                sizes.rows(),
                HEIGHT,
                perRow,
                (from, to) -> of(destination).add(sizes, left, right, center, weights, destination, from, to));
    }

    private void add(
            PerSampleProduct sizes,
            CpuTensor left,
            CpuTensor right,
            CpuTensor center,
            @Nullable CpuTensor weights,
            CpuTensor destination,
            long from,
            long to) {
        long columns = sizes.columns();
        for (long group = 0; group < sizes.groups(); group++) {
            for (long column = 0; column < columns; column += WIDTH) {
                int width = (int) Math.min(WIDTH, columns - column);
                for (long first = 0; first < sizes.batch(); first += RUN) {
                    int count = (int) Math.min(RUN, sizes.batch() - first);
                    for (int i = 0; i < count; i++) {
                        long sample = (first + i) % sizes.samples();
                        loadRight(right, (sample * sizes.groups() + group) * columns + column, i, width);
                    }
                    loadWeights(weights, first, count);
                    addRun(sizes, group, column, width, first, count, left, center, destination, from, to);
                }
            }
        }
    }

    private void addRun(
            PerSampleProduct sizes,
            long group,
            long column,
            int width,
            long first,
            int count,
            CpuTensor left,
            CpuTensor center,
            CpuTensor destination,
            long from,
            long to) {
        long rows = sizes.rows();
        for (long row = from; row < to; row += HEIGHT) {
            int height = (int) Math.min(HEIGHT, to - row);
            for (int i = 0; i < count; i++) {
                loadLeft(left, ((first + i) * sizes.groups() + group) * rows + row, i, height);
            }
            for (int j = 0; j < height; j++) {
                long piece = (group * rows + row + j) * sizes.columns() + column;
                addPiece(center, destination, piece, j, count, width);
            }
        }
    }

    /** Keeps a piece of the i-th right factor. */
    abstract void loadRight(CpuTensor right, long from, int i, int width);

    /** Keeps some elements of the i-th left factor. */
    abstract void loadLeft(CpuTensor left, long from, int i, int height);

    abstract void loadWeights(@Nullable CpuTensor weights, long from, int count);

    /** Adds the squares of {@code count} tiles to the piece of a row that belongs to the j-th kept left elements. */
    abstract void addPiece(CpuTensor center, CpuTensor destination, long piece, int j, int count, int width);
}
