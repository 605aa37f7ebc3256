// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.LstmPlaces;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.LstmCotangents;
import io.backpack4j.spi.backend.LstmSweep;
import io.backpack4j.spi.backend.Recurrences;
import java.util.ArrayList;
import java.util.List;

/**
 * Recurrent layers of single precision. Samples do not meet between the steps: where there are enough, every thread
 * takes some of them through all steps, and nobody waits for anybody before the last. A step is three products, which
 * apply the gates' functions to their results, forward, and one back; loops in Java do the rest.
 */
final class DnnlRecurrences implements Recurrences {

    /** Below this many numbers of a state, calls cost more than what they do. */
    private static final long WORTH_A_CALL = 256;

    /**
     * Eight rows of 64 numbers take a quarter of the time of 64 rows, wider ones less; with fewer, threads share the
     * products of all.
     */
    private static final long ROWS_WORTH_A_THREAD = 8;

    /** Parts' memory begins at multiples of so many bytes. */
    private static final long ALIGNMENT = 64;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final int threads;

    DnnlRecurrences(NativeBackend backend, DnnlContexts contexts, int threads) {
        this.backend = backend;
        this.contexts = contexts;
        this.threads = threads;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void lstm(LstmSweep sweep) {
        if (!isWorthIt(sweep) || !forward(LstmPlaces.of(backend, sweep))) {
            Recurrences.super.lstm(sweep);
        }
    }

    @Override
    public void lstmPullback(LstmSweep sweep, LstmCotangents cotangents) {
        if (!isWorthIt(sweep) || !back(LstmPlaces.of(backend, sweep), cotangents)) {
            Recurrences.super.lstmPullback(sweep, cotangents);
        }
    }

    private boolean isWorthIt(LstmSweep sweep) {
        long state = sweep.gates().shape().size(2) * sweep.gates().shape().size(3);
        return backend.handle(sweep.h()).isSingle() && state >= WORTH_A_CALL;
    }

    private interface Maker<T> {
        T of(DnnlContext context, long from, long rows);
    }

    /** Cuts rows into parts: one for each thread, or one that all threads share. */
    private <T extends LstmPart> List<T> parts(LstmPlaces all, long rows, Maker<T> maker) {
        DnnlContext context = contexts.get();
        double cost = all.steps()
                * (Cost.product(rows, 4 * all.hidden(), all.hidden()) + Cost.elements(4 * rows * all.hidden()));
        boolean alone = backend.team().parts(cost) == 1 || rows < ROWS_WORTH_A_THREAD * threads;
        List<T> parts = new ArrayList<>();
        if (alone) {
            parts.add(maker.of(context, 0, rows));
        } else {
            for (int part = 0; part < threads; part++) {
                long from = rows * part / threads;
                parts.add(maker.of(context.part(part), from, rows * (part + 1) / threads - from));
            }
        }
        return parts;
    }

    private static boolean usable(List<? extends LstmPart> parts) {
        return parts.stream().allMatch(LstmPart::usable);
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static long scratchpadBytes(List<? extends LstmPart> parts) {
        return parts.stream().mapToLong(part -> aligned(part.scratchpadBytes())).sum();
    }

    /** Lets primitives of parts work from there on, each part in memory of its own. */
    private static void placeScratchpads(List<? extends LstmPart> parts, long address) {
        long next = address;
        for (LstmPart part : parts) {
            part.placeScratchpad(next);
            next += aligned(part.scratchpadBytes());
        }
    }

    private boolean forward(LstmPlaces all) {
        DnnlContext context = contexts.get();
        List<LstmForward> parts = parts(all, all.samples(), (of, from, rows) -> new LstmForward(of, all, from, rows));
        DnnlPrimitive transpose = transposed(context, all.hidden());
        if (!usable(parts) || !transpose.usable()) {
            return false;
        }
        long weightBytes = aligned(4 * all.hidden() * all.hidden() * Float.BYTES);
        Block work = context.pool().allocate(weightBytes + scratchpadBytes(parts));
        try {
            long weight = work.address;
            placeScratchpads(parts, weight + weightBytes);
            transpose
                    .at(0, backend.own(all.sweep().weight()).address())
                    .at(1, weight)
                    .run(context);
            backend.team().run(parts.size(), part -> parts.get(part).run(weight));
        } finally {
            context.pool().release(work);
        }
        return true;
    }

    private boolean back(LstmPlaces all, LstmCotangents cotangents) {
        DnnlContext context = contexts.get();
        CpuTensor h = backend.own(cotangents.h());
        CpuTensor memory = backend.own(cotangents.memory());
        CpuTensor gates = backend.own(cotangents.gates());
        CpuTensor outputs = backend.own(cotangents.outputs());
        long rows = h.elements / all.hidden();
        List<LstmBack> parts = parts(all, rows, (of, from, count) -> new LstmBack(of, all, from, count));
        if (!usable(parts)) {
            return false;
        }
        backend.elementwise().fill(cotangents.h(), 0);
        backend.elementwise().fill(cotangents.memory(), 0);
        long weight = backend.own(all.sweep().weight()).address();
        Block work = context.pool().allocate(scratchpadBytes(parts));
        try {
            placeScratchpads(parts, work.address);
            backend.team().run(parts.size(), part -> parts.get(part).run(weight, outputs, gates, h, memory));
        } finally {
            context.pool().release(work);
        }
        return true;
    }

    /** Four square matrices, transposed. */
    private static DnnlPrimitive transposed(DnnlContext context, long hidden) {
        long n = hidden * hidden;
        return context.get(
                context.key(DnnlKind.LSTM_WEIGHT).add(hidden),
                Cost.elements(4 * n),
                () -> DnnlRecipes.reorder(
                        new Layout(new long[] {4, hidden, hidden}, new long[] {n, 1, hidden}),
                        Layout.dense(4, hidden, hidden)));
    }
}
