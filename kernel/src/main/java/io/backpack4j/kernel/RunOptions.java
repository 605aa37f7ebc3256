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
 * @param into results whose memory the new ones take, see {@link #into(Results)}
 */
public record RunOptions(
        long seed,
        PassListener listener,
        Cancellation cancellation,
        Optional<ResultTaker> taker,
        RunOperands operands,
        Optional<OperandSupplier> supplier,
        Optional<Results> into) {

    /** Without a taker. */
    public RunOptions(long seed, PassListener listener, Cancellation cancellation) {
        this(seed, listener, cancellation, Optional.empty());
    }

    /** Without operands. */
    public RunOptions(long seed, PassListener listener, Cancellation cancellation, Optional<ResultTaker> taker) {
        this(seed, listener, cancellation, taker, RunOperands.NONE, Optional.empty());
    }

    /** Without results to give back. */
    public RunOptions(
            long seed,
            PassListener listener,
            Cancellation cancellation,
            Optional<ResultTaker> taker,
            RunOperands operands,
            Optional<OperandSupplier> supplier) {
        this(seed, listener, cancellation, taker, operands, supplier, Optional.empty());
    }

    /** A seed, no listener, and nothing that ends the pass but its thread's interruption. */
    public static RunOptions seed(long seed) {
        return new RunOptions(seed, PassListener.NONE, new Cancellation());
    }

    /** With a listener. */
    public RunOptions listener(PassListener other) {
        return new RunOptions(seed, other, cancellation, taker, operands, supplier, into);
    }

    /** With a way to end the pass. */
    public RunOptions cancellation(Cancellation other) {
        return new RunOptions(seed, listener, other, taker, operands, supplier, into);
    }

    /** With somebody who takes results part by part. */
    public RunOptions taker(ResultTaker other) {
        return new RunOptions(seed, listener, cancellation, Optional.of(other), operands, supplier, into);
    }

    /** With operands. */
    public RunOptions operands(RunOperands other) {
        return new RunOptions(seed, listener, cancellation, taker, other, supplier, into);
    }

    /** With operands by name and parameter; see {@link RunOperands}. */
    public RunOptions operands(Map<String, Map<String, Tensor>> tensors) {
        return operands(new RunOperands(tensors));
    }

    /** With somebody who makes operands of the gradient, between the first stage and the second. */
    public RunOptions operandsAfterGradient(OperandSupplier other) {
        return new RunOptions(seed, listener, cancellation, taker, operands, Optional.of(other), into);
    }

    /**
     * Gives results of an earlier run back: the new ones take their memory. A loop that keeps the results of its last
     * run, for as long as it needs them, holds one set of results, not two, and takes no new pages from the system:
     *
     * <pre>{@code
     * RunOptions options = RunOptions.seed(0);
     * Results results = plan.run(first, options);
     * for (Batch next : others) {
     *     results = plan.run(next, options.into(results));
     * }
     * results.close();
     * }</pre>
     *
     * <p>They are closed, with all of their tensors and products, once the run's arguments are found to be right, and
     * stay closed if the pass fails then: there is nothing half-written. Where the run is refused before, with {@code
     * [WrongResults]}, {@code [Closed]} or {@code [WrongBatch]} say, they are as they were. Results that are not given
     * back but closed leave their memory as well to whoever asks next.
     *
     * @param previous results with the names, shapes and types of the plan, on its backend, open, and none of them an
     *     operand of the run; used by no other thread
     */
    public RunOptions into(Results previous) {
        return new RunOptions(seed, listener, cancellation, taker, operands, supplier, Optional.of(previous));
    }
}
