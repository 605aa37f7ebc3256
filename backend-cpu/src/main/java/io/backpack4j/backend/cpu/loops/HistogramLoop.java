// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.tensor.Tensor;

/** Counts elements in bins, or pairs of an element and a value in bins of both. */
public final class HistogramLoop {

    private final Bins bins;
    /** The place of an element's bin in the counts is its number times this, plus that of its value. */
    private final int stride;
    /** The bins of values, element by element; one zero if there are none. */
    private final int[] ofValues;

    private final Tensor counts;
    private final long[] added;

    /** For elements alone. */
    public HistogramLoop(Tensor range, double factor, Tensor counts) {
        double[] edges = range.toDoubleArray();
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins(added.length - 1, edges[0], edges[1], factor);
        this.stride = 1;
        this.ofValues = new int[1];
        this.counts = counts;
    }

    /** For pairs of an element and the value at the same place. */
    public HistogramLoop(Tensor ranges, double factor, Tensor values, Tensor counts) {
        double[] edges = ranges.toDoubleArray();
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins((int) counts.shape().size(0) - 1, edges[0], edges[1], factor);
        this.stride = (int) counts.shape().size(1);
        this.ofValues = ofValues(new Bins(stride - 1, edges[2], edges[3], 1), values);
        this.counts = counts;
    }

    private static int[] ofValues(Bins bins, Tensor values) {
        int[] places = new int[Math.toIntExact(values.shape().elements())];
        double[] numbers = Scratch.get().a;
        for (int from = 0; from < places.length; from += numbers.length) {
            int count = Math.min(numbers.length, places.length - from);
            values.read(from, numbers, 0, count);
            for (int i = 0; i < count; i++) {
                places[from + i] = bins.of(numbers[i]);
            }
        }
        return places;
    }

    /** Counts whole tiles. */
    public void add(CpuTensor tiles) {
        double[] numbers = Scratch.get().a;
        int place = 0;
        for (long at = 0; at < tiles.elements; at += numbers.length) {
            int count = (int) Math.min(numbers.length, tiles.elements - at);
            tiles.load(at, numbers, count);
            place = add(numbers, count, place);
        }
        store();
    }

    /** Counts a tile of single precision. */
    public void add(Block tile, long elements) {
        float[] singles = Scratch.get().floats;
        double[] numbers = Scratch.get().a;
        int place = 0;
        for (long at = 0; at < elements; at += singles.length) {
            int count = (int) Math.min(singles.length, elements - at);
            tile.get(at * Float.BYTES, singles, 0, count);
            for (int i = 0; i < count; i++) {
                numbers[i] = singles[i];
            }
            place = add(numbers, count, place);
        }
        store();
    }

    private int add(double[] numbers, int count, int from) {
        if (ofValues.length == 1) {
            int place = ofValues[0];
            for (int i = 0; i < count; i++) {
                added[bins.of(numbers[i]) * stride + place]++;
            }
            return 0;
        }
        int place = from;
        for (int i = 0; i < count; i++) {
            added[bins.of(numbers[i]) * stride + ofValues[place]]++;
            place = place + 1 == ofValues.length ? 0 : place + 1;
        }
        return place;
    }

    private void store() {
        long[] sums = counts.toLongArray();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += added[i];
            added[i] = 0;
        }
        counts.write(0, sums, 0, sums.length);
    }
}
