// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.LstmCotangents;
import io.backpack4j.spi.backend.LstmSweep;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Recurrent layers made of products and element-wise operations, step by step. */
public final class PortableRecurrences {

    private static final Activation SIGMOID = Activation.of(Activation.Kind.SIGMOID);
    private static final Activation TANH = Activation.of(Activation.Kind.TANH);
    private static final int GATES = 4;
    private static final int INPUT = 0;
    private static final int FORGET = 1;
    private static final int CANDIDATE = 2;
    private static final int OUTPUT = 3;

    private final Backend backend;

    public PortableRecurrences(Backend backend) {
        this.backend = backend;
    }

    /** See {@code Recurrences.lstm}. */
    public void lstm(LstmSweep sweep) {
        Elementwise ops = backend.elementwise();
        for (long i = 0; i < sweep.steps(); i++) {
            long time = sweep.time(i);
            try (TensorScope scope = backend.openScope()) {
                Tensor last = at(scope, sweep.h(), sweep.before(time));
                Tensor[] gates = new Tensor[GATES];
                for (int gate = 0; gate < GATES; gate++) {
                    gates[gate] = gate(scope, sweep.gates(), gate, time);
                    backend.products().multiply(last, false, weight(scope, sweep, gate), true, 1, 1, gates[gate]);
                    ops.activation(gate == CANDIDATE ? TANH : SIGMOID, 0, gates[gate], gates[gate]);
                }
                Tensor next = at(scope, sweep.memory(), sweep.after(time));
                Tensor fresh = scope.allocate(next.shape(), next.dtype());
                ops.combine(MULTIPLY, gates[FORGET], at(scope, sweep.memory(), sweep.before(time)), next);
                ops.combine(MULTIPLY, gates[INPUT], gates[CANDIDATE], fresh);
                ops.addScaled(1, fresh, next);
                Tensor bounded = at(scope, sweep.bounded(), time);
                ops.activation(TANH, 0, next, bounded);
                ops.combine(MULTIPLY, gates[OUTPUT], bounded, at(scope, sweep.h(), sweep.after(time)));
            }
        }
    }

    /** See {@code Recurrences.lstmPullback}. */
    public void lstmPullback(LstmSweep sweep, LstmCotangents cotangents) {
        Elementwise ops = backend.elementwise();
        Tensor ofMemory = cotangents.memory();
        ops.fill(ofMemory, 0);
        ops.fill(cotangents.h(), 0);
        Shape state = cotangents.h().shape();
        try (TensorScope all = backend.openScope()) {
            Tensor byTime = all.allocate(state.prepend(sweep.steps(), GATES), ofMemory.dtype());
            pull(sweep, cotangents, byTime);
            Shape shape = cotangents.gates().shape();
            Shape byGate = shape.slice(0, 3).append(GATES, shape.size(3) / GATES);
            backend.indexing().permute(byTime, new int[] {2, 3, 0, 1, 4}, all.view(cotangents.gates(), byGate));
        }
    }

    /** Leaves the cotangents of the gates in {@code [T, 4, V, N, H]}. */
    private void pull(LstmSweep sweep, LstmCotangents cotangents, Tensor byTime) {
        Elementwise ops = backend.elementwise();
        Tensor ofMemory = cotangents.memory();
        for (long i = sweep.steps() - 1; i >= 0; i--) {
            long time = sweep.time(i);
            try (TensorScope scope = backend.openScope()) {
                Tensor h = at(scope, cotangents.outputs(), time);
                Tensor pulled = at(scope, byTime, time);
                Tensor work = scope.allocate(h.shape(), h.dtype());
                Tensor bounded = at(scope, sweep.bounded(), time);
                Tensor output = gate(scope, sweep.gates(), OUTPUT, time);
                ops.combine(MULTIPLY, h, bounded, work);
                ops.activationPullback(SIGMOID, output, work, at(scope, pulled, OUTPUT));
                ops.combine(MULTIPLY, h, output, work);
                ops.activationPullback(TANH, bounded, work, work);
                ops.addScaled(1, work, ofMemory);
                Tensor input = gate(scope, sweep.gates(), INPUT, time);
                Tensor forget = gate(scope, sweep.gates(), FORGET, time);
                Tensor candidate = gate(scope, sweep.gates(), CANDIDATE, time);
                ops.combine(MULTIPLY, ofMemory, candidate, work);
                ops.activationPullback(SIGMOID, input, work, at(scope, pulled, INPUT));
                ops.combine(MULTIPLY, ofMemory, at(scope, sweep.memory(), sweep.before(time)), work);
                ops.activationPullback(SIGMOID, forget, work, at(scope, pulled, FORGET));
                ops.combine(MULTIPLY, ofMemory, input, work);
                ops.activationPullback(TANH, candidate, work, at(scope, pulled, CANDIDATE));
                ops.combine(MULTIPLY, ofMemory, forget, ofMemory);
                Tensor past = i == 0 ? cotangents.h() : at(scope, cotangents.outputs(), sweep.time(i - 1));
                for (int gate = 0; gate < GATES; gate++) {
                    Tensor rows = rows(scope, at(scope, pulled, gate));
                    Tensor weight = weight(scope, sweep, gate);
                    backend.products().multiply(rows, false, weight, false, 1, 1, rows(scope, past));
                }
            }
        }
    }

    private static Tensor weight(TensorScope scope, LstmSweep sweep, long gate) {
        long hidden = sweep.weight().shape().size(1);
        return scope.rows(sweep.weight(), gate * hidden, (gate + 1) * hidden);
    }

    private static Tensor gate(TensorScope scope, Tensor gates, long gate, long time) {
        return at(scope, at(scope, gates, gate), time);
    }

    private static Tensor at(TensorScope scope, Tensor tensor, long place) {
        return scope.view(scope.rows(tensor, place, place + 1), tensor.shape().dropFirst(1));
    }

    private static Tensor rows(TensorScope scope, Tensor tensor) {
        Shape shape = tensor.shape();
        return scope.view(tensor, Shape.of(shape.elements(0, shape.rank() - 1), shape.size(-1)));
    }
}
