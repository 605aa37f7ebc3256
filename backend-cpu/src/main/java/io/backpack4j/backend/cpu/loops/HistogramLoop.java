// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

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

    private final OrderedBins ordered;
    private final int[] places = new int[Scratch.CHUNK];
    private final Tensor counts;
    private final long[] added;

    /** For elements alone. */
    public HistogramLoop(Tensor range, double factor, Tensor counts) {
        double[] edges = range.toDoubleArray();
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins(added.length - 1, edges[0], edges[1], factor);
        this.ordered = new OrderedBins(bins);
        this.stride = 1;
        this.ofValues = new int[1];
        this.counts = counts;
    }

    /** For pairs of an element and the value at the same place. */
    public HistogramLoop(Tensor ranges, double factor, Tensor values, Tensor counts) {
        double[] edges = ranges.toDoubleArray();
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins((int) counts.shape().size(0) - 1, edges[0], edges[1], factor);
        this.ordered = new OrderedBins(bins);
        this.stride = (int) counts.shape().size(1);
        this.ofValues = ofValues(new Bins(stride - 1, edges[2], edges[3], 1), values);
        this.counts = counts;
    }

    /** The bins of values, element by element. */
    static int[] ofValues(Bins bins, Tensor values) {
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
        if (tiles.isSingle()) {
            add(tiles.address(), tiles.elements);
            return;
        }
        double[] numbers = Scratch.get().a;
        int from = 0;
        for (long at = 0; at < tiles.elements; at += numbers.length) {
            int count = (int) Math.min(numbers.length, tiles.elements - at);
            tiles.load(at, numbers, count);
            from = add(numbers, count, from);
        }
        store();
    }

    /** Counts a tile of single precision at a native address. */
    public void add(long address, long elements) {
        Scratch scratch = Scratch.get();
        int[] orders = scratch.ints;
        int from = 0;
        for (long at = 0; at < elements; at += orders.length) {
            int count = (int) Math.min(orders.length, elements - at);
            scratch.intAddress.at(address + at * Float.BYTES).get(orders, 0, count);
            OrderedBins.order(orders, count);
            if (stride == 1) {
                ordered.count(orders, count, added);
            } else {
                ordered.find(orders, count, stride, places);
                from = addPairs(count, from);
            }
        }
        store();
    }

    private int add(double[] numbers, int count, int from) {
        int place = from;
        for (int i = 0; i < count; i++) {
            added[bins.of(numbers[i]) * stride + ofValues[place]]++;
            place = place + 1 == ofValues.length ? 0 : place + 1;
        }
        return place;
    }

    /** Counts pairs of a place that was found and the value there. */
    private int addPairs(int count, int from) {
        int value = from;
        for (int done = 0; done < count; ) {
            int run = Math.min(count - done, ofValues.length - value);
            for (int i = 0; i < run; i++) {
                added[places[done + i] + ofValues[value + i]]++;
            }
            done += run;
            value = value + run == ofValues.length ? 0 : value + run;
        }
        return value;
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
