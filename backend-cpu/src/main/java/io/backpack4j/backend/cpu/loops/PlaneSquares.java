// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Team;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * destination += Σ_b w_b (P_b − center)² of a convolution's weight where windows slide over small planes. An element of
 * a tile is a sum over few positions then, fewer still where windows reach beyond the plane: tiles are not made, only
 * added to sums that stay in the first cache, a row of the weight and some channels at a time.
 */
public final class PlaneSquares {

    /** Number of channels at a time: all elements of a window, and planes of two tiles, fit into the first cache. */
    private static final int WIDTH = 512;

    /** Planes of tiles that are at hand at a time; they fit into the second cache. */
    private static final int RUN_ELEMENTS = 1 << 17;

    /** Number of rows of the weight whose cotangents are at hand at a time. */
    private static final int HEIGHT = 16;

    /** What an element takes, at one position. */
    private static final double NANOSECONDS = 0.03;

    private static final ThreadLocal<PlaneSquares> OF_THREAD = ThreadLocal.withInitial(PlaneSquares::new);

    private final float[] zeros = new float[WIDTH];
    private final float[] tile = new float[WIDTH];
    private float[][] sums = new float[0][];
    private float[][] minusCenters = new float[0][];
    private float[][] planes = new float[0][];
    private float[][] rows = new float[0][];
    private float[] weights = new float[0];
    private float[] piece = new float[0];

    private PlaneSquares() {}

    /**
     * Planes of samples, channels last.
     *
     * @param memory {@code [N, Q, C]}, as it lies
     * @param samples N
     * @param positions Q
     * @param channels C
     */
    public record Planes(CpuTensor memory, long samples, int positions, long channels) {

        /** Copies some channels at one position of a sample, counted modulo N. */
        private void get(long sample, int position, long channel, float[] target, int count) {
            long at = (sample % samples * positions + position) * channels + channel;
            memory.block.get(memory.at(at), target, 0, count);
        }
    }

    /**
     * What is added.
     *
     * @param inputs what windows read; tile b reads sample b modulo their number
     * @param outputs the cotangents, likewise
     * @param batch B, the number of tiles
     * @param reads which of the inputs' Q positions an element of the window reads at each of the outputs' T, {@code
     *     [K][T]}; -1 for none
     * @param center {@code [O, C, K]}, or null for zeros
     * @param weights {@code [B]}, or null for ones
     * @param destination {@code [O, C, K]}
     */
    public record Squares(
            Planes inputs,
            Planes outputs,
            long batch,
            int[][] reads,
            @Nullable CpuTensor center,
            @Nullable CpuTensor weights,
            CpuTensor destination) {

        private long channels() {
            return inputs.channels();
        }

        private long rows() {
            return outputs.channels();
        }
    }

    /** Adds them. */
    public static void add(Team team, Squares squares) {
        int[][] positions =
                Arrays.stream(squares.reads()).map(PlaneSquares::read).toArray(int[][]::new);
        int products =
                Arrays.stream(positions).mapToInt(list -> list.length + 2).sum();
        double perRow = NANOSECONDS * squares.batch() * squares.channels() * products;
        team.forAll(
                squares.rows(), HEIGHT, perRow, (from, to) -> OF_THREAD.get().add(squares, positions, from, to));
    }

    /** The output positions at which an element reads something. */
    private static int[] read(int[] reads) {
        int[] found = new int[reads.length];
        int count = 0;
        for (int t = 0; t < reads.length; t++) {
            if (reads[t] >= 0) {
                found[count++] = t;
            }
        }
        return Arrays.copyOf(found, count);
    }

    private void add(Squares squares, int[][] positions, long from, long to) {
        int count = squares.inputs().positions();
        for (long channel = 0; channel < squares.channels(); channel += WIDTH) {
            int width = (int) Math.min(WIDTH, squares.channels() - channel);
            int run = (int) Math.min(squares.batch(), Math.max(1, RUN_ELEMENTS / (count * width)));
            prepare(squares, run, width);
            for (long first = 0; first < squares.batch(); first += run) {
                int tiles = (int) Math.min(run, squares.batch() - first);
                loadPlanes(squares, first, tiles, channel, width);
                for (long row = from; row < to; row += HEIGHT) {
                    int height = (int) Math.min(HEIGHT, to - row);
                    loadRows(squares, first, tiles, row, height);
                    for (int j = 0; j < height; j++) {
                        long at = ((row + j) * squares.channels() + channel) * positions.length;
                        addPiece(squares, positions, at, tiles, j, width);
                    }
                }
            }
        }
    }

    private void prepare(Squares squares, int run, int width) {
        int elements = squares.reads().length;
        if (sums.length < elements) {
            sums = new float[elements][WIDTH];
            minusCenters = new float[elements][WIDTH];
        }
        int count = run * squares.inputs().positions();
        if (planes.length < count || planes[0].length < width) {
            planes = new float[count][width];
        }
        int lefts = run * squares.outputs().positions();
        if (rows.length < lefts) {
            rows = new float[lefts][HEIGHT];
        }
        if (weights.length < run) {
            weights = new float[run];
        }
        if (piece.length < width * elements) {
            piece = new float[width * elements];
        }
    }

    private void loadPlanes(Squares squares, long first, int tiles, long channel, int width) {
        int count = squares.inputs().positions();
        for (int i = 0; i < tiles; i++) {
            for (int q = 0; q < count; q++) {
                squares.inputs().get(first + i, q, channel, planes[i * count + q], width);
            }
        }
        CpuTensor given = squares.weights();
        if (given == null) {
            Arrays.fill(weights, 0, tiles, 1);
        } else {
            given.block.get(given.at(first), weights, 0, tiles);
        }
    }

    private void loadRows(Squares squares, long first, int tiles, long row, int height) {
        int count = squares.outputs().positions();
        for (int i = 0; i < tiles; i++) {
            for (int t = 0; t < count; t++) {
                squares.outputs().get(first + i, t, row, rows[i * count + t], height);
            }
        }
    }

    /** Adds the squares of some tiles to a piece of a row of the destination. */
    private void addPiece(Squares squares, int[][] positions, long at, int tiles, int j, int width) {
        int elements = positions.length;
        CpuTensor center = squares.center();
        if (center != null) {
            center.block.get(center.at(at), piece, 0, width * elements);
        }
        for (int k = 0; k < elements; k++) {
            Arrays.fill(sums[k], 0, width, 0);
            if (center == null) {
                Arrays.fill(minusCenters[k], 0, width, 0);
            } else {
                gather(piece, k, elements, minusCenters[k], width);
            }
        }
        for (int i = 0; i < tiles; i += 2) {
            for (int k = 0; k < elements; k++) {
                addTwo(squares, positions[k], k, i, tiles, j, width);
            }
        }
        CpuTensor destination = squares.destination();
        destination.block.get(destination.at(at), piece, 0, width * elements);
        for (int k = 0; k < elements; k++) {
            scatter(sums[k], piece, k, elements, width);
        }
        destination.block.put(destination.at(at), piece, 0, width * elements);
    }

    /** Adds the squares of tile {@code i}, and of the next one if there is one, at an element of the window. */
    private void addTwo(Squares squares, int[] positions, int k, int i, int tiles, int j, int width) {
        boolean alone = i + 1 == tiles;
        float next = alone ? 0 : weights[i + 1];
        if (positions.length <= 1) {
            addTwo(
                    plane(squares, positions, k, 0, i),
                    row(squares, positions, 0, i, j),
                    weights[i],
                    alone ? zeros : plane(squares, positions, k, 0, i + 1),
                    alone ? 0 : row(squares, positions, 0, i + 1, j),
                    next,
                    minusCenters[k],
                    sums[k],
                    width);
            return;
        }
        if (positions.length == 2) {
            addTwo(
                    plane(squares, positions, k, 0, i),
                    row(squares, positions, 0, i, j),
                    plane(squares, positions, k, 1, i),
                    row(squares, positions, 1, i, j),
                    weights[i],
                    alone ? zeros : plane(squares, positions, k, 0, i + 1),
                    alone ? 0 : row(squares, positions, 0, i + 1, j),
                    alone ? zeros : plane(squares, positions, k, 1, i + 1),
                    alone ? 0 : row(squares, positions, 1, i + 1, j),
                    next,
                    minusCenters[k],
                    sums[k],
                    width);
            return;
        }
        for (int own = i; own < Math.min(i + 2, tiles); own++) {
            addOne(squares, positions, k, own, j, width);
        }
    }

    private void addOne(Squares squares, int[] positions, int k, int i, int j, int width) {
        float[] start = minusCenters[k];
        int s = 0;
        for (; s + 4 < positions.length; s += 4) {
            addProducts(
                    plane(squares, positions, k, s, i),
                    row(squares, positions, s, i, j),
                    plane(squares, positions, k, s + 1, i),
                    row(squares, positions, s + 1, i, j),
                    plane(squares, positions, k, s + 2, i),
                    row(squares, positions, s + 2, i, j),
                    plane(squares, positions, k, s + 3, i),
                    row(squares, positions, s + 3, i, j),
                    start,
                    tile,
                    width);
            start = tile;
        }
        addSquare(
                plane(squares, positions, k, s, i),
                row(squares, positions, s, i, j),
                plane(squares, positions, k, s + 1, i),
                row(squares, positions, s + 1, i, j),
                plane(squares, positions, k, s + 2, i),
                row(squares, positions, s + 2, i, j),
                plane(squares, positions, k, s + 3, i),
                row(squares, positions, s + 3, i, j),
                weights[i],
                start,
                sums[k],
                width);
    }

    /** What an element reads at the s-th of its positions; zeros beyond the last one. */
    private float[] plane(Squares squares, int[] positions, int k, int s, int i) {
        return s < positions.length
                ? planes[i * squares.inputs().positions() + squares.reads()[k][positions[s]]]
                : zeros;
    }

    private float row(Squares squares, int[] positions, int s, int i, int j) {
        return s < positions.length ? rows[i * squares.outputs().positions() + positions[s]][j] : 0;
    }

    // Loops of their own, short enough for the compiler to make vector instructions of.

    private static void addTwo(
            float[] x, float a, float weight, float[] y, float b, float next, float[] start, float[] sums, int width) {
        for (int c = 0; c < width; c++) {
            float d = Math.fma(a, x[c], start[c]);
            float e = Math.fma(b, y[c], start[c]);
            sums[c] = Math.fma(weight * d, d, Math.fma(next * e, e, sums[c]));
        }
    }

    private static void addTwo(
            float[] x0,
            float a0,
            float[] x1,
            float a1,
            float weight,
            float[] y0,
            float b0,
            float[] y1,
            float b1,
            float next,
            float[] start,
            float[] sums,
            int width) {
        for (int c = 0; c < width; c++) {
            float d = Math.fma(a0, x0[c], Math.fma(a1, x1[c], start[c]));
            float e = Math.fma(b0, y0[c], Math.fma(b1, y1[c], start[c]));
            sums[c] = Math.fma(weight * d, d, Math.fma(next * e, e, sums[c]));
        }
    }

    private static void addProducts(
            float[] x0,
            float a0,
            float[] x1,
            float a1,
            float[] x2,
            float a2,
            float[] x3,
            float a3,
            float[] start,
            float[] tile,
            int width) {
        for (int c = 0; c < width; c++) {
            tile[c] = Math.fma(a0, x0[c], Math.fma(a1, x1[c], Math.fma(a2, x2[c], Math.fma(a3, x3[c], start[c]))));
        }
    }

    private static void addSquare(
            float[] x0,
            float a0,
            float[] x1,
            float a1,
            float[] x2,
            float a2,
            float[] x3,
            float a3,
            float weight,
            float[] start,
            float[] sums,
            int width) {
        for (int c = 0; c < width; c++) {
            float d = Math.fma(a0, x0[c], Math.fma(a1, x1[c], Math.fma(a2, x2[c], Math.fma(a3, x3[c], start[c]))));
            sums[c] = Math.fma(weight * d, d, sums[c]);
        }
    }

    /** to = −(every step-th number of from). */
    private static void gather(float[] from, int first, int step, float[] to, int count) {
        if (step == 9) {
            // a step that the compiler knows needs no checks of bounds within the loop
            for (int i = 0; i < count; i++) {
                to[i] = -from[9 * i + first];
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            to[i] = -from[step * i + first];
        }
    }

    private static void scatter(float[] from, float[] to, int first, int step, int count) {
        if (step == 9) {
            for (int i = 0; i < count; i++) {
                to[9 * i + first] += from[i];
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            to[step * i + first] += from[i];
        }
    }
}
