// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;

/**
 * What one direction of a long short-term memory goes through. T steps stand in the order of time; the states before
 * step t are at t and those behind it at t + 1, or the other way round if it goes from the last step to the first.
 *
 * @param isReverse whether the last step in time is the first to be made
 * @param weight W_hh, {@code [4 · H, H]}, its rows in PyTorch's order i, f, g, o
 * @param gates {@code [4, T, N, H]} in that order: before the way forward what all steps are given, W_ih x + b_ih +
 *     b_hh; behind it i, f, o = σ(a) and g = tanh a
 * @param h the states, {@code [T + 1, N, H]}, the initial one being set
 * @param memory c, {@code [T + 1, N, H]}, the initial one being set
 * @param bounded tanh c behind all steps, {@code [T, N, H]}
 */
public record LstmSweep(boolean isReverse, Tensor weight, Tensor gates, Tensor h, Tensor memory, Tensor bounded) {

    /** T. */
    public long steps() {
        return gates.shape().size(1);
    }

    /** The time of the i-th step. */
    public long time(long i) {
        return isReverse ? steps() - 1 - i : i;
    }

    /** Where the states before a step stand. */
    public long before(long time) {
        return isReverse ? time + 1 : time;
    }

    /** Where the states behind a step stand. */
    public long after(long time) {
        return isReverse ? time : time + 1;
    }
}
