// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.LstmLoop;
import io.backpack4j.backend.cpu.loops.LstmPlaces;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.spi.backend.LstmSweep;
import java.util.List;

/** Some rows of V columns of N samples on their way back through all steps. */
final class LstmBack implements LstmPart {

    private final DnnlContext context;
    private final LstmPlaces all;
    private final long from;
    private final long rows;
    private final DnnlPrimitive past;

    /**
     * @param from the first row of V · N
     * @param rows how many
     */
    LstmBack(DnnlContext context, LstmPlaces all, long from, long rows) {
        this.context = context;
        this.all = all;
        this.from = from;
        this.rows = rows;
        long hidden = all.hidden();
        PrimitiveKey key = context.key(DnnlKind.LSTM_PAST).add(rows).add(hidden).add(all.steps());
        past = context.get(
                key,
                Cost.product(rows, hidden, 4 * hidden),
                () -> DnnlRecipes.matmul(
                        new Layout(new long[] {rows, 4 * hidden}, new long[] {all.steps() * 4 * hidden, 1}),
                        Layout.dense(4 * hidden, hidden),
                        Layout.dense(rows, hidden),
                        1));
    }

    @Override
    public List<DnnlPrimitive> primitives() {
        return List.of(past);
    }

    /**
     * Goes back through time.
     *
     * @param weight W_hh
     * @param outputs the cotangents of h behind all steps, {@code [T, V, N, H]}
     * @param gates gets the cotangents of the gates, {@code [V, N, T, 4 · H]}
     * @param h gets those of the initial h
     * @param memory gets those of the initial c
     */
    void run(long weight, CpuTensor outputs, CpuTensor gates, CpuTensor h, CpuTensor memory) {
        LstmSweep sweep = all.sweep();
        LstmLoop loop = LstmLoop.get(all.hidden());
        long first = from * all.hidden() * Float.BYTES;
        long wide = outputs.elements / all.steps() * Float.BYTES;
        for (long i = all.steps() - 1; i >= 0; i--) {
            long time = sweep.time(i);
            loop.back(all, time, from, from + rows, outputs, memory, gates);
            long to = i == 0 ? h.address() : outputs.address() + sweep.time(i - 1) * wide;
            past.at(0, gates.address() + (from * all.steps() + time) * 4 * all.hidden() * Float.BYTES)
                    .at(1, weight)
                    .at(2, to + first)
                    .execute(context);
        }
    }
}
