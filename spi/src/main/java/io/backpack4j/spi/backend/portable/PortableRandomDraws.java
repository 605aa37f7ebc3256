// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomDraws;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Tensor;

/** Draws on the host, row by row, and hands the numbers to the tensor. */
public final class PortableRandomDraws implements RandomDraws {

    @Override
    public void uniform(RandomKey key, long[] sampleIds, Tensor destination) {
        uniformFrom(key, sampleIds, 0, destination);
    }

    /** As {@link RandomDraws#uniform(RandomKey, long[], long, Tensor)}. */
    public static void uniformFrom(RandomKey key, long[] sampleIds, long first, Tensor destination) {
        double[] row = new double[rowLength(sampleIds, destination)];
        for (int n = 0; n < sampleIds.length; n++) {
            for (int i = 0; i < row.length; i++) {
                row[i] = CounterRandom.uniform(key, sampleIds[n], first + i);
            }
            destination.write((long) n * row.length, row, 0, row.length);
        }
    }

    @Override
    public void normal(RandomKey key, long[] sampleIds, Tensor destination) {
        double[] row = new double[rowLength(sampleIds, destination)];
        for (int n = 0; n < sampleIds.length; n++) {
            for (int i = 0; i < row.length; i++) {
                double radius = Math.sqrt(-2 * Math.log(1 - CounterRandom.uniform(key, sampleIds[n], 2L * i)));
                row[i] = radius * Math.cos(2 * Math.PI * CounterRandom.uniform(key, sampleIds[n], 2L * i + 1));
            }
            destination.write((long) n * row.length, row, 0, row.length);
        }
    }

    @Override
    public void categorical(RandomKey key, long[] sampleIds, Tensor probabilities, Tensor destination) {
        int classes = (int) probabilities.shape().size(1);
        int positions = rowLength(sampleIds, destination);
        double[] row = new double[classes * positions];
        long[] labels = new long[positions];
        for (int n = 0; n < sampleIds.length; n++) {
            probabilities.read((long) n * row.length, row, 0, row.length);
            for (int i = 0; i < positions; i++) {
                labels[i] = label(row, i, classes, positions, CounterRandom.uniform(key, sampleIds[n], i));
            }
            destination.write((long) n * positions, labels, 0, positions);
        }
    }

    private static int label(double[] row, int position, int classes, int positions, double uniform) {
        double cumulated = 0;
        int last = 0;
        for (int c = 0; c < classes; c++) {
            double probability = row[c * positions + position];
            cumulated += probability;
            if (uniform < cumulated) {
                return c;
            }
            if (probability > 0) {
                last = c;
            }
        }
        return last;
    }

    private static int rowLength(long[] sampleIds, Tensor destination) {
        return sampleIds.length == 0 ? 0 : (int) (destination.shape().elements() / sampleIds.length);
    }
}
