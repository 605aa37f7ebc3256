// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.LstmSweep;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one direction of a layer went through, or how that moves along tangents: {@code *} is the samples N, or columns
 * and samples V, N.
 *
 * @param isReverse whether the last step in time is the first to be made
 * @param places {@code [P, T, *, H]}
 * @param h the states in the order of time, {@code [T + 1, *, H]}: the first is the initial one, or the last if
 *     reversed
 * @param ofMemory those of c; null without
 * @param ofBounded tanh c, {@code [T, *, H]}; null without
 */
record Trajectory(
        boolean isReverse,
        Tensor places,
        Tensor h,
        @Nullable Tensor ofMemory,
        @Nullable Tensor ofBounded) {

    /** @param state the shape {@code [*, H]} */
    static Trajectory allocate(TensorScope scope, Cell cell, boolean isReverse, long steps, Shape state, DType dtype) {
        return new Trajectory(
                isReverse,
                scope.allocate(state.prepend(cell.places(), steps), dtype),
                scope.allocate(state.prepend(steps + 1), dtype),
                cell.hasMemory() ? scope.allocate(state.prepend(steps + 1), dtype) : null,
                cell.hasMemory() ? scope.allocate(state.prepend(steps), dtype) : null);
    }

    Tensor memory() {
        return Objects.requireNonNull(ofMemory);
    }

    Tensor bounded() {
        return Objects.requireNonNull(ofBounded);
    }

    /** T. */
    long steps() {
        return places.shape().size(1);
    }

    /** Where the state before a step stands. */
    long before(long time) {
        return isReverse ? time + 1 : time;
    }

    /** Where the state behind a step stands. */
    long after(long time) {
        return isReverse ? time : time + 1;
    }

    /** Where the initial state stands. */
    long initial() {
        return isReverse ? steps() : 0;
    }

    /** The time of the i-th step. */
    long time(long i) {
        return isReverse ? steps() - 1 - i : i;
    }

    /** The states before all steps in the order of time, {@code [T, *, H]}. */
    Tensor befores(TensorScope scope) {
        return isReverse ? scope.rows(h, 1, steps() + 1) : scope.rows(h, 0, steps());
    }

    /** The states behind all steps in the order of time, {@code [T, *, H]}. */
    Tensor afters(TensorScope scope) {
        return isReverse ? scope.rows(h, 0, steps()) : scope.rows(h, 1, steps() + 1);
    }

    /** The same for backends that go through all steps at once. */
    LstmSweep sweep(Tensor weight) {
        return new LstmSweep(isReverse, weight, places, h, memory(), bounded());
    }
}
