// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Options of one run of a plan.
 *
 * @param seed of random draws; the same seed gives the same numbers
 * @param listener is told how far the pass is
 * @param cancellation ends the pass
 * @param taker of results that leave the pass part by part, for plans of {@link PassOptions#handingOver}
 * @param operands what extensions declared that a run brings: all of it and nothing else
 * @param supplier makes operands of later stages, of those that {@code operands} lacks
 */
public record RunOptions(
        long seed,
        PassListener listener,
        Cancellation cancellation,
        Optional<ResultTaker> taker,
        RunOperands operands,
        Optional<OperandSupplier> supplier) {

    /** Without a taker. */
    public RunOptions(long seed, PassListener listener, Cancellation cancellation) {
        this(seed, listener, cancellation, Optional.empty());
    }

    /** Without operands. */
    public RunOptions(long seed, PassListener listener, Cancellation cancellation, Optional<ResultTaker> taker) {
        this(seed, listener, cancellation, taker, RunOperands.NONE, Optional.empty());
    }

    /** A seed, no listener, and nothing that ends the pass but its thread's interruption. */
    public static RunOptions seed(long seed) {
        return new RunOptions(seed, PassListener.NONE, new Cancellation());
    }

    /** With a listener. */
    public RunOptions listener(PassListener other) {
        return new RunOptions(seed, other, cancellation, taker, operands, supplier);
    }

    /** With a way to end the pass. */
    public RunOptions cancellation(Cancellation other) {
        return new RunOptions(seed, listener, other, taker, operands, supplier);
    }

    /** With somebody who takes results part by part. */
    public RunOptions taker(ResultTaker other) {
        return new RunOptions(seed, listener, cancellation, Optional.of(other), operands, supplier);
    }

    /** With operands. */
    public RunOptions operands(RunOperands other) {
        return new RunOptions(seed, listener, cancellation, taker, other, supplier);
    }

    /** With operands by name and parameter; see {@link RunOperands}. */
    public RunOptions operands(Map<String, Map<String, Tensor>> tensors) {
        return operands(new RunOperands(tensors));
    }

    /** With somebody who makes operands of the gradient, between the first stage and the second. */
    public RunOptions operandsAfterGradient(OperandSupplier other) {
        return new RunOptions(seed, listener, cancellation, taker, operands, Optional.of(other));
    }
}
