// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.module.Mode;

/**
 * A long short-term memory: c′ = σ(a_f) ⊙ c + σ(a_i) ⊙ tanh a_g, h′ = σ(a_o) ⊙ tanh c′, a being W_ih x + b_ih + W_hh h
 * + b_hh in the order i, f, g, o. The initial states are h_0 and c_0.
 *
 * @param options the arguments
 */
public record LSTM(RecurrentOptions options) implements RecurrentLayer {

    public LSTM {
        recurrence(options);
    }

    /** One layer in one direction, with biases. */
    public LSTM(long inputSize, long hiddenSize) {
        this(new RecurrentOptions(inputSize, hiddenSize));
    }

    @Override
    public Recurrence recurrence() {
        return recurrence(options);
    }

    private static Recurrence recurrence(RecurrentOptions options) {
        return new Recurrence("LSTM", new LongShortTermCell(), options);
    }

    @Override
    public LSTM inMode(Mode mode) {
        return new LSTM(options.inMode(mode));
    }
}
