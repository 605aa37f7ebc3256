// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link OuterSquares} in single precision. */
final class OuterSquaresSingle extends OuterSquares {

    private final float[][] rights = new float[RUN][WIDTH];
    private final float[][] lefts = new float[RUN][HEIGHT];
    private final float[] weights = new float[RUN];
    private final float[] centers = new float[WIDTH];
    private final float[] sums = new float[WIDTH];

    @Override
    void loadRight(CpuTensor right, long from, int i, int width) {
        right.block.get(right.at(from), rights[i], 0, width);
    }

    @Override
    void loadLeft(CpuTensor left, long from, int i, int height) {
        left.block.get(left.at(from), lefts[i], 0, height);
    }

    @Override
    void loadWeights(@Nullable CpuTensor given, long from, int count) {
        if (given == null) {
            Arrays.fill(weights, 0, count, 1);
        } else {
            given.block.get(given.at(from), weights, 0, count);
        }
    }

    @Override
    void addPiece(CpuTensor center, CpuTensor destination, long piece, int j, int count, int width) {
        center.block.get(center.at(piece), centers, 0, width);
        for (int k = 0; k < width; k++) {
            centers[k] = -centers[k];
        }
        destination.block.get(destination.at(piece), sums, 0, width);
        int i = 0;
        for (; i + 2 <= count; i += 2) {
            addTwo(
                    rights[i],
                    lefts[i][j],
                    weights[i],
                    rights[i + 1],
                    lefts[i + 1][j],
                    weights[i + 1],
                    centers,
                    sums,
                    width);
        }
        if (i < count) {
            addTwo(rights[i], lefts[i][j], weights[i], rights[i], 0, 0, centers, sums, width);
        }
        destination.block.put(destination.at(piece), sums, 0, width);
    }

    /**
     * Two tiles load and store the sums once. Written with fused operations the loop is short enough for the compiler
     * to vectorise.
     */
    private static void addTwo(
            float[] right0,
            float left0,
            float weight0,
            float[] right1,
            float left1,
            float weight1,
            float[] minusCenters,
            float[] sums,
            int width) {
        for (int k = 0; k < width; k++) {
            float d0 = Math.fma(left0, right0[k], minusCenters[k]);
            float d1 = Math.fma(left1, right1[k], minusCenters[k]);
            sums[k] = Math.fma(weight0 * d0, d0, Math.fma(weight1 * d1, d1, sums[k]));
        }
    }
}
