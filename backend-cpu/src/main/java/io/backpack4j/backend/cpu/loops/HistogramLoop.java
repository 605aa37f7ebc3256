// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.Bins;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts elements in bins, or pairs of an element and a value in bins of both; {@link #store} adds what was counted to
 * the counts.
 */
public final class HistogramLoop {

    /** What counting an element takes at least, and one of double precision, and a pair. */
    private static final double NANOSECONDS = 0.2;

    private static final double DOUBLE_NANOSECONDS = 3;
    private static final double PAIR_NANOSECONDS = 0.6;

    private final Bins bins;
    /** The place of an element's bin in the counts is its number times this, plus that of its value. */
    private final int stride;
    /** The bins of values, element by element; one zero if there are none. */
    private final int[] ofValues;

    private final int binOfZero;

    private final OrderedBins ordered;
    private final Team team;
    /** By part of a tile; they learn which bins are in use. */
    private final List<Counter> counters = new ArrayList<>();

    private final Tensor counts;
    private final long[] added;

    /** For elements alone. */
    public HistogramLoop(Team team, Tensor range, double factor, Tensor counts) {
        double[] edges = range.toDoubleArray();
        this.team = team;
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins(added.length - 1, edges[0], edges[1], factor);
        this.ordered = new OrderedBins(bins);
        this.stride = 1;
        this.ofValues = new int[1];
        this.binOfZero = 0;
        this.counts = counts;
    }

    /** For pairs of an element and the value at the same place. */
    public HistogramLoop(Team team, Tensor ranges, double factor, Tensor values, Tensor counts) {
        double[] edges = ranges.toDoubleArray();
        this.team = team;
        this.added = new long[(int) counts.shape().elements()];
        this.bins = new Bins((int) counts.shape().size(0) - 1, edges[0], edges[1], factor);
        this.ordered = new OrderedBins(bins);
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
        } else {
            count(tiles.elements, DOUBLE_NANOSECONDS, (counter, from, to) -> counter.addDoubles(tiles, from, to));
        }
    }

    /** Counts a tile of single precision at a native address. */
    public void add(long address, long elements) {
        double nanoseconds = stride > 1 ? PAIR_NANOSECONDS : NANOSECONDS;
        count(
                elements,
                nanoseconds,
                (counter, from, to) -> counter.addSingles(address + from * Float.BYTES, from, to - from));
    }

    /** Counts some numbers. */
    private interface Counting {
        void count(Counter counter, long from, long to);
    }

    private void count(long elements, double nanoseconds, Counting counting) {
        int parts = team.parts(elements * nanoseconds);
        while (counters.size() < parts) {
            counters.add(new Counter());
        }
        team.run(parts, elements, (part, from, to) -> counting.count(counters.get(part), from, to));
    }

    /** Takes up to a chunk of numbers, by their order. */
    private interface Chunk {
        void take(int[] orders, int count);
    }

    /** Takes away so many numbers that are zero and were counted, with values that are zero if there are values. */
    public void subtractZeros(long zeros) {
        added[bins.of(0) * stride + binOfZero] -= zeros;
    }

    /** Adds everything since the last time to the counts. */
    public void store() {
        long[] sums = counts.toLongArray();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += added[i];
            added[i] = 0;
            for (Counter counter : counters) {
                sums[i] += counter.counted[i];
                counter.counted[i] = 0;
            }
        }
        counts.write(0, sums, 0, sums.length);
    }

    /** Counts a part of the numbers of tiles; belongs to one thread at a time. */
    private final class Counter {

        private final NearEdges near = new NearEdges(ordered);
        private final Chunk counting = near::add;
        private final Chunk countingAnywhere = this::countAnywhere;
        private final Chunk pairing = this::countPairs;
        private final int[] places = new int[stride > 1 ? Scratch.CHUNK : 0];
        private final long[] counted = new long[added.length];
        /** The place of the next number in its tile, where there are values. */
        private int place;

        void addSingles(long address, long from, long elements) {
            if (stride > 1) {
                place = (int) (from % ofValues.length);
                chunks(address, elements, pairing);
            } else {
                near.begin();
                chunks(address, elements, counting);
                if (!near.end(counted)) {
                    chunks(address, elements, countingAnywhere);
                }
            }
        }

        void addDoubles(CpuTensor tiles, long from, long to) {
            double[] numbers = Scratch.get().a;
            place = (int) (from % ofValues.length);
            for (long at = from; at < to; at += numbers.length) {
                int count = (int) Math.min(numbers.length, to - at);
                tiles.load(at, numbers, count);
                place = add(numbers, count, place);
            }
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
            ordered.count(orders, count, counted, near);
        }

        private void countPairs(int[] orders, int count) {
            ordered.find(orders, count, stride, places);
            place = addPairs(count, place);
        }

        private int add(double[] numbers, int count, int from) {
            int place = from;
            for (int i = 0; i < count; i++) {
                counted[bins.of(numbers[i]) * stride + ofValues[place]]++;
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
                    counted[places[done + i] + ofValues[value + i]]++;
                }
                done += run;
                value = value + run == ofValues.length ? 0 : value + run;
            }
            return value;
        }
    }
}
