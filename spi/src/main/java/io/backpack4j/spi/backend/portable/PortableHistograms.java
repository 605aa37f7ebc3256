// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.tensor.Tensor;

/** Counts on the host, a piece of the numbers at a time. */
public final class PortableHistograms {

    private static final int PIECE = 1 << 14;

    private final Tensor x;
    private final long elements;

    /** @param x what is counted */
    public PortableHistograms(Tensor x) {
        this.x = x;
        this.elements = x.shape().elements();
    }

    public void add(Tensor range, double factor, Tensor counts) {
        double[] edges = range.toDoubleArray();
        long[] places = counts.toLongArray();
        Bins bins = new Bins(places.length - 1, edges[0], edges[1], factor);
        double[] piece = new double[(int) Math.min(PIECE, elements)];
        for (long from = 0; from < elements; from += piece.length) {
            int count = (int) Math.min(piece.length, elements - from);
            x.read(from, piece, 0, count);
            for (int i = 0; i < count; i++) {
                places[bins.of(piece[i])]++;
            }
        }
        counts.write(0, places, 0, places.length);
    }

    public void addJoint(Tensor values, Tensor ranges, double factor, Tensor counts) {
        double[] edges = ranges.toDoubleArray();
        long[] places = counts.toLongArray();
        int columns = (int) counts.shape().size(1);
        Bins bins = new Bins((int) counts.shape().size(0) - 1, edges[0], edges[1], factor);
        Bins ofValues = new Bins(columns - 1, edges[2], edges[3], 1);
        int period = (int) values.shape().elements();
        int[] columnOf = new int[period];
        double[] numbers = values.toDoubleArray();
        for (int i = 0; i < period; i++) {
            columnOf[i] = ofValues.of(numbers[i]);
        }
        double[] piece = new double[(int) Math.min(PIECE, elements)];
        int at = 0;
        for (long from = 0; from < elements; from += piece.length) {
            int count = (int) Math.min(piece.length, elements - from);
            x.read(from, piece, 0, count);
            for (int i = 0; i < count; i++) {
                places[bins.of(piece[i]) * columns + columnOf[at]]++;
                at = at + 1 == period ? 0 : at + 1;
            }
        }
        counts.write(0, places, 0, places.length);
    }
}
