// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_tanh;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_tanh_use_dst_for_bwd;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.LstmCotangents;
import io.backpack4j.spi.backend.LstmSweep;
import io.backpack4j.spi.backend.Recurrences;
import java.util.function.Supplier;

/**
 * Recurrent layers of single precision: a step is three products, which apply the gates' functions to their results,
 * and three operations forward, and one product and seven operations back. What derivatives have in common is made for
 * all steps at once before.
 */
final class DnnlRecurrences implements Recurrences {

    /** Below this many numbers of a state, calls cost more than what they do. */
    private static final long WORTH_A_CALL = 256;

    private static final int CANDIDATE = 2;
    private static final int OUTPUT = 3;

    private final NativeBackend backend;
    private final DnnlContexts contexts;

    DnnlRecurrences(NativeBackend backend, DnnlContexts contexts) {
        this.backend = backend;
        this.contexts = contexts;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void lstm(LstmSweep sweep) {
        Sizes sizes = Sizes.of(sweep);
        if (!isWorthIt(sweep, sizes) || !forward(sweep, sizes)) {
            Recurrences.super.lstm(sweep);
        }
    }

    @Override
    public void lstmPullback(LstmSweep sweep, LstmCotangents cotangents) {
        Sizes sizes = Sizes.of(sweep);
        if (!isWorthIt(sweep, sizes) || !back(sweep, sizes, cotangents)) {
            Recurrences.super.lstmPullback(sweep, cotangents);
        }
    }

    private boolean isWorthIt(LstmSweep sweep, Sizes sizes) {
        return backend.handle(sweep.h()).isSingle() && sizes.state() >= WORTH_A_CALL;
    }

    /**
     * The sizes of a sweep.
     *
     * @param steps T
     * @param samples N
     * @param hidden H
     */
    private record Sizes(long steps, long samples, long hidden) {

        static Sizes of(LstmSweep sweep) {
            return new Sizes(
                    sweep.steps(),
                    sweep.gates().shape().size(2),
                    sweep.gates().shape().size(3));
        }

        /** The numbers of a state. */
        long state() {
            return samples * hidden;
        }

        /** The bytes between the states of neighbouring steps. */
        long step() {
            return state() * Float.BYTES;
        }

        /** The bytes between neighbouring gates. */
        long gate() {
            return steps * step();
        }
    }

    private boolean forward(LstmSweep sweep, Sizes sizes) {
        DnnlContext context = contexts.get();
        long n = sizes.state();
        DnnlPrimitive both = gates(context, sizes, 2, dnnl_eltwise_logistic);
        DnnlPrimitive one = gates(context, sizes, 1, dnnl_eltwise_logistic);
        DnnlPrimitive candidates = gates(context, sizes, 1, dnnl_eltwise_tanh);
        DnnlPrimitive product = binary(context, 1, n, false);
        DnnlPrimitive next = binary(context, 1, n, true);
        DnnlPrimitive output =
                get(context, DnnlKind.LSTM_OUTPUT, Cost.elements(4 * n), () -> DnnlRecipes.tanhTimes(n), n);
        DnnlPrimitive bounded = eltwise(context, sizes.steps() * n);
        DnnlPrimitive pack = transposed(context, sizes.hidden());
        if (!allUsable(both, one, candidates, product, next, output, bounded, pack)) {
            return false;
        }
        long gates = backend.own(sweep.gates()).address();
        long h = backend.own(sweep.h()).address();
        long memory = backend.own(sweep.memory()).address();
        long ofGate = sizes.hidden() * sizes.hidden() * Float.BYTES;
        Block work = context.pool().allocate(4 * ofGate + sizes.step());
        long weight = work.address;
        long fresh = weight + 4 * ofGate;
        try {
            pack.at(0, backend.own(sweep.weight()).address()).at(1, weight).run(context);
            for (long i = 0; i < sizes.steps(); i++) {
                long time = sweep.time(i);
                long input = gates + time * sizes.step();
                long forget = input + sizes.gate();
                long candidate = input + CANDIDATE * sizes.gate();
                long last = sweep.before(time) * sizes.step();
                long after = sweep.after(time) * sizes.step();
                both.at(0, h + last).at(1, weight).at(2, input).run(context);
                candidates
                        .at(0, h + last)
                        .at(1, weight + CANDIDATE * ofGate)
                        .at(2, candidate)
                        .run(context);
                one.at(0, h + last)
                        .at(1, weight + OUTPUT * ofGate)
                        .at(2, input + OUTPUT * sizes.gate())
                        .run(context);
                product.at(0, input).at(1, candidate).at(2, fresh).run(context);
                next.at(0, forget)
                        .at(1, memory + last)
                        .at(2, fresh)
                        .at(3, memory + after)
                        .run(context);
                output.at(0, memory + after)
                        .at(1, context.scalar(0, 1))
                        .at(2, input + OUTPUT * sizes.gate())
                        .at(3, h + after)
                        .run(context);
            }
            bounded.at(0, memory + sweep.after(0) * sizes.step())
                    .at(1, backend.own(sweep.bounded()).address())
                    .run(context);
        } finally {
            context.pool().release(work);
        }
        return true;
    }

    private boolean back(LstmSweep sweep, Sizes sizes, LstmCotangents cotangents) {
        DnnlContext context = contexts.get();
        long columns = cotangents.h().shape().size(0);
        long n = sizes.state();
        long all = sizes.steps() * n;
        DnnlPrimitive ofSigmoid = slope(context, dnnl_eltwise_logistic_use_dst_for_bwd, all);
        DnnlPrimitive ofTanh = slope(context, dnnl_eltwise_tanh_use_dst_for_bwd, all);
        DnnlPrimitive product = binary(context, columns, n, false);
        DnnlPrimitive sum = binary(context, columns, n, true);
        DnnlPrimitive multiply = past(context, sizes, columns);
        DnnlPrimitive place = placed(context, sizes, columns);
        if (!allUsable(ofSigmoid, ofTanh, product, sum, multiply, place)) {
            return false;
        }
        long gates = backend.own(sweep.gates()).address();
        long memory = backend.own(sweep.memory()).address();
        long bounded = backend.own(sweep.bounded()).address();
        long weight = backend.own(sweep.weight()).address();
        long outputs = backend.own(cotangents.outputs()).address();
        long pulled = backend.own(cotangents.gates()).address();
        long first = backend.own(cotangents.h()).address();
        long e = backend.own(cotangents.memory()).address();
        backend.elementwise().fill(cotangents.h(), 0);
        backend.elementwise().fill(cotangents.memory(), 0);
        long input = gates;
        long forget = gates + sizes.gate();
        long candidate = gates + CANDIDATE * sizes.gate();
        long output = gates + OUTPUT * sizes.gate();
        Block work = context.pool().allocate(5 * sizes.gate() + 4 * columns * sizes.step());
        try {
            long ofInput = work.address;
            long ofForget = ofInput + sizes.gate();
            long ofCandidate = ofForget + sizes.gate();
            long ofOutput = ofCandidate + sizes.gate();
            long ofMemory = ofOutput + sizes.gate();
            ofSigmoid.at(0, input).at(1, candidate).at(2, ofInput).run(context);
            ofSigmoid
                    .at(0, forget)
                    .at(1, memory + sweep.before(0) * sizes.step())
                    .at(2, ofForget)
                    .run(context);
            ofTanh.at(0, candidate).at(1, input).at(2, ofCandidate).run(context);
            ofSigmoid.at(0, output).at(1, bounded).at(2, ofOutput).run(context);
            ofTanh.at(0, bounded).at(1, output).at(2, ofMemory).run(context);
            long wide = columns * sizes.step();
            for (long i = sizes.steps() - 1; i >= 0; i--) {
                long time = sweep.time(i);
                long at = time * sizes.step();
                long d = outputs + time * wide;
                long to = ofMemory + sizes.gate();
                product.at(0, d).at(1, ofOutput + at).at(2, to + OUTPUT * wide).run(context);
                sum.at(0, d).at(1, ofMemory + at).at(2, e).at(3, e).run(context);
                product.at(0, e).at(1, ofInput + at).at(2, to).run(context);
                product.at(1, ofForget + at).at(2, to + wide).run(context);
                product.at(1, ofCandidate + at).at(2, to + CANDIDATE * wide).run(context);
                product.at(1, forget + at).at(2, e).run(context);
                long past = i == 0 ? first : outputs + sweep.time(i - 1) * wide;
                long placed = pulled + 4 * time * sizes.hidden() * Float.BYTES;
                place.at(0, to).at(1, placed).run(context);
                multiply.at(0, placed).at(1, weight).at(2, past).run(context);
            }
        } finally {
            context.pool().release(work);
        }
        return true;
    }

    private static boolean allUsable(DnnlPrimitive... primitives) {
        for (DnnlPrimitive primitive : primitives) {
            if (!primitive.usable()) {
                return false;
            }
        }
        return true;
    }

    /** f(h · weight + what is there) of neighbouring gates. */
    private static DnnlPrimitive gates(DnnlContext context, Sizes sizes, long count, int function) {
        long n = sizes.samples();
        long hidden = sizes.hidden();
        Supplier<DnnlPrimitive> recipe = () -> count == 1
                ? DnnlRecipes.activatedSum(
                        Layout.dense(n, hidden), Layout.dense(hidden, hidden), Layout.dense(n, hidden), function)
                : DnnlRecipes.activatedSum(
                        Layout.dense(1, n, hidden),
                        Layout.dense(count, hidden, hidden),
                        new Layout(new long[] {count, n, hidden}, new long[] {sizes.steps() * n * hidden, hidden, 1}),
                        function);
        double cost = 2 * Cost.product(count * n, hidden, hidden);
        return get(context, DnnlKind.LSTM_GATES, cost, recipe, sizes.steps(), n, hidden, count, function);
    }

    /** destination += cotangents · weight, the cotangents being those of one step. */
    private static DnnlPrimitive past(DnnlContext context, Sizes sizes, long columns) {
        long rows = columns * sizes.samples();
        long hidden = sizes.hidden();
        Supplier<DnnlPrimitive> recipe = () -> DnnlRecipes.matmul(
                new Layout(new long[] {rows, 4 * hidden}, new long[] {sizes.steps() * 4 * hidden, 1}),
                Layout.dense(4 * hidden, hidden),
                Layout.dense(rows, hidden),
                1);
        double cost = Cost.product(rows, hidden, 4 * hidden);
        return get(context, DnnlKind.LSTM_PAST, cost, recipe, rows, hidden, sizes.steps());
    }

    /** Puts cotangents of the gates of one step where they belong, sample by sample. */
    private static DnnlPrimitive placed(DnnlContext context, Sizes sizes, long columns) {
        long rows = columns * sizes.samples();
        long hidden = sizes.hidden();
        long[] all = {rows, 4, hidden};
        Supplier<DnnlPrimitive> recipe = () -> DnnlRecipes.reorder(
                new Layout(all, new long[] {hidden, rows * hidden, 1}),
                new Layout(all, new long[] {sizes.steps() * 4 * hidden, hidden, 1}));
        double cost = Cost.elements(4 * rows * hidden);
        return get(context, DnnlKind.LSTM_PLACED, cost, recipe, rows, hidden, sizes.steps());
    }

    /** a ⊙ b of columns and what has none, perhaps plus c: a, b, c if there is one, destination. */
    private static DnnlPrimitive binary(DnnlContext context, long columns, long n, boolean plus) {
        Supplier<DnnlPrimitive> recipe = () -> DnnlRecipes.product(new long[] {columns, n}, new long[] {1, n}, plus);
        return get(context, DnnlKind.LSTM_PRODUCT, Cost.elements(columns * n), recipe, columns, n, plus ? 1 : 0);
    }

    private static DnnlPrimitive eltwise(DnnlContext context, long n) {
        PrimitiveKey key = context.key(DnnlKind.ELTWISE)
                .add(dnnl_eltwise_tanh)
                .add(0.0)
                .add(0.0)
                .add(n);
        return context.get(key, Cost.elements(n), () -> DnnlRecipes.eltwise(dnnl_eltwise_tanh, 0, 0, n));
    }

    private static DnnlPrimitive slope(DnnlContext context, int algorithm, long n) {
        PrimitiveKey key =
                context.key(DnnlKind.ELTWISE_BACKWARD).add(algorithm).add(0.0).add(n);
        return context.get(key, Cost.elements(n), () -> DnnlRecipes.eltwiseBackward(algorithm, 0, n));
    }

    /** Four square matrices, transposed. */
    private static DnnlPrimitive transposed(DnnlContext context, long hidden) {
        long n = hidden * hidden;
        Supplier<DnnlPrimitive> recipe = () -> DnnlRecipes.reorder(
                new Layout(new long[] {4, hidden, hidden}, new long[] {n, 1, hidden}), Layout.dense(4, hidden, hidden));
        return get(context, DnnlKind.LSTM_WEIGHT, Cost.elements(4 * n), recipe, hidden);
    }

    private static DnnlPrimitive get(
            DnnlContext context, DnnlKind kind, double cost, Supplier<DnnlPrimitive> recipe, long... numbers) {
        return context.get(context.key(kind).add(numbers), cost, recipe);
    }
}
