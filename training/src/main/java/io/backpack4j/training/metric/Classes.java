// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.metric;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;

/**
 * Outputs as scores of classes, {@code [N, C, *]}, at every position of every sample.
 *
 * @param samples N
 * @param classes C
 * @param positions the product of the axes behind
 * @param outputs row-major
 * @param targets class indices {@code [N, *]}, or as many numbers as there are outputs
 */
record Classes(int samples, int classes, int positions, double[] outputs, HostTensor targets) {

    static Classes of(Shape shape, double[] outputs, HostTensor targets) {
        int samples = (int) shape.size(0);
        int classes = shape.rank() < 2 ? 1 : (int) shape.size(1);
        int positions = shape.rank() < 2 ? 1 : (int) shape.elements(2, shape.rank());
        return new Classes(samples, classes, positions, outputs, targets);
    }

    double score(int sample, int position, int of) {
        return outputs[(sample * classes + of) * positions + position];
    }

    /**
     * The target's class; of targets that are numbers, the one with the largest, or whether a single one is above a
     * half.
     */
    long target(int sample, int position) {
        if (targets instanceof HostTensor.Longs indices) {
            return indices.values()[sample * positions + position];
        }
        if (classes == 1) {
            return targets.value(sample * positions + position) > 0.5 ? 1 : 0;
        }
        int largest = 0;
        for (int c = 1; c < classes; c++) {
            if (targetScore(sample, position, c) > targetScore(sample, position, largest)) {
                largest = c;
            }
        }
        return largest;
    }

    private double targetScore(int sample, int position, int of) {
        return targets.value((sample * classes + of) * positions + position);
    }

    /** How many classes have a larger score than the target's, or an equal one and a smaller number. */
    int rank(int sample, int position, long target) {
        double own = score(sample, position, (int) target);
        int rank = 0;
        for (int c = 0; c < classes; c++) {
            double other = score(sample, position, c);
            if (other > own || (other == own && c < target) || Double.isNaN(own)) {
                rank++;
            }
        }
        return rank;
    }

    /** Whether a target is one of the classes; an index that the loss ignores is not. */
    boolean isClass(long target) {
        return target >= 0 && target < classes;
    }
}
