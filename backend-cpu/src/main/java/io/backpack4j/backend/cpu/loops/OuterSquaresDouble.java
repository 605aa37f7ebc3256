// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link OuterSquares} in double precision. */
final class OuterSquaresDouble extends OuterSquares {

    private final double[][] rights = new double[RUN][WIDTH];
    private final double[][] lefts = new double[RUN][HEIGHT];
    private final double[] weights = new double[RUN];
    private final double[] centers = new double[WIDTH];
    private final double[] sums = new double[WIDTH];

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
        destination.block.get(destination.at(piece), sums, 0, width);
        for (int i = 0; i < count; i++) {
            addOne(rights[i], lefts[i][j], weights[i], centers, sums, width);
        }
        destination.block.put(destination.at(piece), sums, 0, width);
    }

    /** One tile; the compiler does not vectorise a loop over two. */
    private static void addOne(double[] right, double left, double weight, double[] centers, double[] sums, int width) {
        for (int k = 0; k < width; k++) {
            double d = left * right[k] - centers[k];
            sums[k] += weight * d * d;
        }
    }
}
