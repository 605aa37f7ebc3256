// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableRecurrences;

/** Recurrent layers over all steps at once, so that a backend may fuse what happens at a step. */
public interface Recurrences {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /**
     * Goes through time: a = gates + W_hh h, c′ = σ(a_f) ⊙ c + σ(a_i) ⊙ tanh a_g, h′ = σ(a_o) ⊙ tanh c′.
     *
     * @param sweep its gates, h, c and tanh c are written
     */
    default void lstm(LstmSweep sweep) {
        new PortableRecurrences(backend()).lstm(sweep);
    }

    /**
     * Goes back through time: with the cotangents d of h′ and e of c′, d_o = d ⊙ tanh c′ ⊙ o′, e += d ⊙ o ⊙ (1 −
     * tanh² c′), d_i = e ⊙ g ⊙ i′, d_f = e ⊙ c ⊙ f′, d_g = e ⊙ i ⊙ g′, and W_hhᵀ (d_i, d_f, d_g, d_o) and e ⊙ f come
     * back to the step before.
     *
     * @param sweep as it went forward; nothing of it changes
     * @param cotangents what comes in, and what is written
     */
    default void lstmPullback(LstmSweep sweep, LstmCotangents cotangents) {
        new PortableRecurrences(backend()).lstmPullback(sweep, cotangents);
    }
}
