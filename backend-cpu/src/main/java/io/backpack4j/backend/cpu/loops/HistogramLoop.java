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

    private final int binOfZero;

    private final OrderedBins ordered;
    private final NearEdges near;
    private final Chunk counting;
    private final Chunk countingAnywhere = this::countAnywhere;
    private final Chunk pairing = this::countPairs;
    private final int[] places = new int[Scratch.CHUNK];
    /** The place of the next number in its tile, where there are values. */
    private int place;

    private final Tensor counts;
    private final long[] added;

    /** For elements alone. */
    public HistogramLoop(Tensor range, double factor, Tensor counts) {
        double[] edges = range.toDoubleArray();
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins(added.length - 1, edges[0], edges[1], factor);
        this.ordered = new OrderedBins(bins);
        this.near = new NearEdges(ordered);
        this.counting = near::add;
        this.stride = 1;
        this.ofValues = new int[1];
        this.binOfZero = 0;
        this.counts = counts;
    }

    /** For pairs of an element and the value at the same place. */
    public HistogramLoop(Tensor ranges, double factor, Tensor values, Tensor counts) {
        double[] edges = ranges.toDoubleArray();
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins((int) counts.shape().size(0) - 1, edges[0], edges[1], factor);
        this.ordered = new OrderedBins(bins);
        this.near = new NearEdges(ordered);
        this.counting = near::add;
        this.stride = (int) counts.shape().size(1);
        Bins ofValuesBins = new Bins(stride - 1, edges[2], edges[3], 1);
        this.ofValues = ofValues(ofValuesBins, values);
        this.binOfZero = ofValuesBins.of(0);
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
        if (stride > 1) {
            place = 0;
            chunks(address, elements, pairing);
        } else {
            near.begin();
            chunks(address, elements, counting);
            if (!near.end(added)) {
                chunks(address, elements, countingAnywhere);
            }
        }
        store();
    }

    /** Takes up to a chunk of numbers, by their order. */
    private interface Chunk {
        void take(int[] orders, int count);
    }

    private static void chunks(long address, long elements, Chunk chunk) {
        Scratch scratch = Scratch.get();
        int[] orders = scratch.ints;
        for (long at = 0; at < elements; at += orders.length) {
            int count = (int) Math.min(orders.length, elements - at);
            scratch.intAddress.at(address + at * Float.BYTES).get(orders, 0, count);
            OrderedBins.order(orders, count);
            chunk.take(orders, count);
        }
    }

    private void countAnywhere(int[] orders, int count) {
        ordered.count(orders, count, added, near);
    }

    private void countPairs(int[] orders, int count) {
        ordered.find(orders, count, stride, places);
        place = addPairs(count, place);
    }

    /** Takes away so many numbers that are zero and were counted, with values that are zero if there are values. */
    public void subtractZeros(long zeros) {
        added[bins.of(0) * stride + binOfZero] -= zeros;
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
