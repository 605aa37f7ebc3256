// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.module.Mode;

/**
 * A gated recurrent unit: h′ = n + z ⊙ (h − n), r = σ(a_r), z = σ(a_z), n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)),
 * in the order r, z, n. The initial state is h_0.
 *
 * @param options the arguments
 */
public record GRU(RecurrentOptions options) implements RecurrentLayer {

    public GRU {
        recurrence(options);
    }

    /** One layer in one direction, with biases. */
    public GRU(long inputSize, long hiddenSize) {
        this(new RecurrentOptions(inputSize, hiddenSize));
    }

    @Override
    public Recurrence recurrence() {
        return recurrence(options);
    }

    private static Recurrence recurrence(RecurrentOptions options) {
        return new Recurrence("GRU", new GatedCell(), options);
    }

    @Override
    public GRU inMode(Mode mode) {
        return new GRU(options.inMode(mode));
    }
}
