// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static io.backpack4j.backend.cpu.loops.LstmPlaces.CANDIDATE;
import static io.backpack4j.backend.cpu.loops.LstmPlaces.INPUT;
import static io.backpack4j.backend.cpu.loops.LstmPlaces.OUTPUT;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_tanh;

import io.backpack4j.backend.cpu.loops.LstmLoop;
import io.backpack4j.backend.cpu.loops.LstmPlaces;
import io.backpack4j.spi.backend.LstmSweep;
import java.util.List;

/** Some samples on their way through all steps. */
final class LstmForward implements LstmPart {

    private final DnnlContext context;
    private final LstmPlaces all;
    private final long from;
    private final long samples;
    private final DnnlPrimitive both;
    private final DnnlPrimitive one;
    private final DnnlPrimitive candidates;
    private final DnnlPrimitive bounded;

    /**
     * @param from the first sample
     * @param samples how many
     */
    LstmForward(DnnlContext context, LstmPlaces all, long from, long samples) {
        this.context = context;
        this.all = all;
        this.from = from;
        this.samples = samples;
        both = gates(2, dnnl_eltwise_logistic);
        one = gates(1, dnnl_eltwise_logistic);
        candidates = gates(1, dnnl_eltwise_tanh);
        long n = samples * all.hidden();
        PrimitiveKey key = context.key(DnnlKind.ELTWISE)
                .add(dnnl_eltwise_tanh)
                .add(0.0)
                .add(0.0)
                .add(n);
        bounded = context.get(key, Cost.elements(n), () -> DnnlRecipes.eltwise(dnnl_eltwise_tanh, 0, 0, n));
    }

    /** f(h · weight + what is there) of neighbouring gates. */
    private DnnlPrimitive gates(long count, int function) {
        long hidden = all.hidden();
        long[] sizes = {count, samples, hidden};
        long[] strides = {all.steps() * all.state(), hidden, 1};
        PrimitiveKey key = context.key(DnnlKind.LSTM_GATES)
                .add(all.steps())
                .add(all.samples())
                .add(samples)
                .add(hidden)
                .add(count)
                .add(function);
        return context.get(
                key,
                2 * Cost.product(count * samples, hidden, hidden),
                () -> count == 1
                        ? DnnlRecipes.activatedSum(
                                Layout.dense(samples, hidden),
                                Layout.dense(hidden, hidden),
                                Layout.dense(samples, hidden),
                                function)
                        : DnnlRecipes.activatedSum(
                                Layout.dense(1, samples, hidden),
                                Layout.dense(count, hidden, hidden),
                                new Layout(sizes, strides),
                                function));
    }

    @Override
    public List<DnnlPrimitive> primitives() {
        return List.of(both, one, candidates, bounded);
    }

    /**
     * Goes through time.
     *
     * @param weight W_hh, every gate's transposed
     */
    void run(long weight) {
        LstmSweep sweep = all.sweep();
        LstmLoop loop = LstmLoop.get(all.hidden());
        long gates = all.gates().address();
        long h = all.h().address();
        long ofGate = all.hidden() * all.hidden() * Float.BYTES;
        long first = from * all.hidden();
        long count = samples * all.hidden();
        for (long i = 0; i < all.steps(); i++) {
            long time = sweep.time(i);
            long last = h + (all.before(time) + first) * Float.BYTES;
            both.at(0, last)
                    .at(1, weight)
                    .at(2, gates + (all.gate(INPUT, time) + first) * Float.BYTES)
                    .execute(context);
            candidates
                    .at(0, last)
                    .at(1, weight + CANDIDATE * ofGate)
                    .at(2, gates + (all.gate(CANDIDATE, time) + first) * Float.BYTES)
                    .execute(context);
            one.at(0, last)
                    .at(1, weight + OUTPUT * ofGate)
                    .at(2, gates + (all.gate(OUTPUT, time) + first) * Float.BYTES)
                    .execute(context);
            loop.remember(all, time, first, count);
            bounded.at(0, all.memory().address() + (all.after(time) + first) * Float.BYTES)
                    .at(1, all.bounded().address() + (all.at(time) + first) * Float.BYTES)
                    .execute(context);
            loop.emit(all, time, first, count);
        }
    }
}
