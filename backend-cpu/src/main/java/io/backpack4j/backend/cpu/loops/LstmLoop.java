// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;

/**
 * What a step of a long short-term memory does element by element, in single precision. oneDNN needs a call for every
 * operation, which takes as long as the operation. Loops write one array each, and all arrays at the same index: such
 * loops the compiler makes vector instructions of. It copies whatever is called into its caller, so what is done to
 * every gate is called in one place. One object per thread.
 */
public final class LstmLoop {

    /** The elements at a time: the arrays of the way back fit into the first two caches. */
    private static final int CHUNK = 1024;

    private static final int GATES = 4;

    private static final int[] SIGMOIDS = {LstmPlaces.INPUT, LstmPlaces.FORGET, LstmPlaces.OUTPUT};

    private static final ThreadLocal<LstmLoop> OF_THREAD = ThreadLocal.withInitial(() -> new LstmLoop(CHUNK));

    private final int chunk;
    private final float[][] gates;
    private final float[] memory;
    private final float[] bounded;
    /** What every gate is multiplied with. */
    private final float[][] factors;

    private final float[][] slopes;
    private final float[] slopeOfMemory;
    private final float[] ofNext;
    private final float[] ofMemory;
    private final float[][] ofGates;

    private LstmLoop(int chunk) {
        this.chunk = chunk;
        gates = new float[GATES][chunk];
        memory = new float[chunk];
        bounded = new float[chunk];
        factors = new float[][] {gates[LstmPlaces.CANDIDATE], memory, gates[LstmPlaces.INPUT], bounded};
        slopes = new float[GATES][chunk];
        slopeOfMemory = new float[chunk];
        ofNext = new float[chunk];
        ofMemory = new float[chunk];
        ofGates = new float[GATES][chunk];
    }

    /** This thread's, which takes states of H numbers. */
    public static LstmLoop get(long hidden) {
        LstmLoop loop = OF_THREAD.get();
        if (loop.chunk < hidden) {
            loop = new LstmLoop(Math.toIntExact(hidden));
            OF_THREAD.set(loop);
        }
        return loop;
    }

    /** c′ = f ⊙ c + i ⊙ g of some elements of a step. */
    public void remember(LstmPlaces all, long time, long from, long count) {
        for (long done = 0; done < count; done += chunk) {
            long at = from + done;
            int part = (int) Math.min(chunk, count - done);
            readGates(all, time, at, LstmPlaces.INPUT, LstmPlaces.CANDIDATE, part);
            read(all.memory(), all.before(time) + at, memory, part);
            combine(gates[LstmPlaces.FORGET], memory, gates[LstmPlaces.INPUT], gates[LstmPlaces.CANDIDATE], part);
            CpuTensor to = all.memory();
            to.block.put(to.at(all.after(time) + at), memory, 0, part);
        }
    }

    /** h′ = o ⊙ tanh c′ of some elements of a step. */
    public void emit(LstmPlaces all, long time, long from, long count) {
        for (long done = 0; done < count; done += chunk) {
            long at = from + done;
            int part = (int) Math.min(chunk, count - done);
            readGates(all, time, at, LstmPlaces.OUTPUT, LstmPlaces.OUTPUT, part);
            read(all.bounded(), all.at(time) + at, bounded, part);
            multiply(bounded, gates[LstmPlaces.OUTPUT], bounded, part);
            CpuTensor to = all.h();
            to.block.put(to.at(all.after(time) + at), bounded, 0, part);
        }
    }

    /**
     * Goes back through some rows of a step.
     *
     * @param from the first row of V · N
     * @param to the end of the rows
     * @param d the cotangents of h behind all steps, {@code [T, V, N, H]}
     * @param e the cotangents of c behind the step; gets those before it
     * @param result gets the cotangents of the gates, {@code [V, N, T, 4 · H]}
     */
    public void back(LstmPlaces all, long time, long from, long to, CpuTensor d, CpuTensor e, CpuTensor result) {
        long samples = all.samples();
        int atOnce = chunk / Math.toIntExact(all.hidden());
        for (long n = 0; n < samples; ) {
            long end = within(n, within(n, Math.min(samples, n + atOnce), from % samples), to % samples);
            boolean isFirst = true;
            for (long column = from / samples * samples; column < to; column += samples) {
                if (column + n >= from && column + end <= to) {
                    if (isFirst) {
                        slopes(all, time, n, end);
                        isFirst = false;
                    }
                    pull(all, time, column + n, (int) (end - n), d, e, result);
                }
            }
            n = end;
        }
    }

    /** The end of a run of samples, or where it is cut, so that a column has all or nothing of it. */
    private static long within(long start, long end, long cut) {
        return start < cut && cut < end ? cut : end;
    }

    /** What the cotangents of some samples are multiplied with, for all columns. */
    private void slopes(LstmPlaces all, long time, long n, long end) {
        long at = n * all.hidden();
        int count = (int) ((end - n) * all.hidden());
        readGates(all, time, at, LstmPlaces.INPUT, LstmPlaces.OUTPUT, count);
        read(all.memory(), all.before(time) + at, memory, count);
        read(all.bounded(), all.at(time) + at, bounded, count);
        for (int gate : SIGMOIDS) {
            ofSigmoid(slopes[gate], factors[gate], gates[gate], count);
        }
        ofTanh(slopes[LstmPlaces.CANDIDATE], factors[LstmPlaces.CANDIDATE], gates[LstmPlaces.CANDIDATE], count);
        ofTanh(slopeOfMemory, gates[LstmPlaces.OUTPUT], bounded, count);
    }

    /** Goes back through rows of one column, those of the samples of the slopes. */
    private void pull(LstmPlaces all, long time, long first, int count, CpuTensor d, CpuTensor e, CpuTensor result) {
        int hidden = (int) all.hidden();
        int elements = count * hidden;
        read(d, time * (d.elements / all.steps()) + first * hidden, ofNext, elements);
        read(e, first * hidden, ofMemory, elements);
        addProduct(ofMemory, ofNext, slopeOfMemory, elements);
        for (int gate = 0; gate < GATES; gate++) {
            multiply(ofGates[gate], gate == LstmPlaces.OUTPUT ? ofNext : ofMemory, slopes[gate], elements);
        }
        multiply(ofMemory, ofMemory, gates[LstmPlaces.FORGET], elements);
        e.block.put(e.at(first * hidden), ofMemory, 0, elements);
        for (int i = 0; i < count; i++) {
            long to = result.at(((first + i) * all.steps() + time) * 4 * hidden);
            for (int gate = 0; gate < GATES; gate++) {
                result.block.put(to + (long) gate * hidden * Float.BYTES, ofGates[gate], i * hidden, hidden);
            }
        }
    }

    /** Reads gates that follow each other, {@code first} to {@code last}. */
    private void readGates(LstmPlaces all, long time, long at, int first, int last, int count) {
        for (int gate = first; gate <= last; gate++) {
            read(all.gates(), all.gate(gate, time) + at, gates[gate], count);
        }
    }

    private static void read(CpuTensor tensor, long at, float[] to, int count) {
        tensor.block.get(tensor.at(at), to, 0, count);
    }

    private static void combine(float[] f, float[] c, float[] i, float[] g, int count) {
        for (int k = 0; k < count; k++) {
            c[k] = f[k] * c[k] + i[k] * g[k];
        }
    }

    private static void multiply(float[] to, float[] a, float[] b, int count) {
        for (int k = 0; k < count; k++) {
            to[k] = a[k] * b[k];
        }
    }

    private static void addProduct(float[] to, float[] a, float[] b, int count) {
        for (int k = 0; k < count; k++) {
            to[k] = to[k] + a[k] * b[k];
        }
    }

    private static void ofSigmoid(float[] to, float[] factor, float[] s, int count) {
        for (int k = 0; k < count; k++) {
            to[k] = factor[k] * (s[k] * (1 - s[k]));
        }
    }

    private static void ofTanh(float[] to, float[] factor, float[] t, int count) {
        for (int k = 0; k < count; k++) {
            to[k] = factor[k] * (1 - t[k] * t[k]);
        }
    }
}
