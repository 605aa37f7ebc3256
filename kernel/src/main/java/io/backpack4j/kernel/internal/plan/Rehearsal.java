// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Planned work, done without numbers. */
interface Rehearsal {

    /** Stands in for the operands that a run brings, which are no part of what it takes. */
    default RunOperands operands(Backend backend, TensorScope scope) {
        return RunOperands.NONE;
    }

    /** Whether blocks of columns meet, so that some may be kept for others. */
    default boolean keepsBlocks() {
        return false;
    }

    /**
     * Does it.
     *
     * @param backend one whose tensors have no numbers, or a real one, whose memory is counted then
     * @param products which of the products that results offer are tried, by name
     * @param made is called when all results are made and what they were made of is still there, if that is the same
     *     however a pass is split
     * @return what comes out
     */
    Outcome run(Backend backend, PassInputs inputs, Splitting splitting, Predicate<String> products, Runnable made);

    /**
     * Outcome of a rehearsal.
     *
     * @param results the tensors
     * @param handedOver the names of those that leave part by part
     * @param products the shapes of the parameters of products, by the products' names
     * @param heaviestProduct the product that takes the most memory of those that were tried; empty if there are none
     * @param widestColumns as many columns at a time as any signal, curvature or product has: a splitting into blocks
     *     of no fewer is one into whole signals
     * @param steps how many steps a listener would be told of
     * @param largestSum the largest of the sums that are kept in one piece, however a pass is split
     * @param unitProducts numbers of products with unit vectors, by parameter
     * @param meetings how blocks of columns of a signal met each other, by signal
     */
    record Outcome(
            SortedMap<String, ResultType> results,
            Set<String> handedOver,
            SortedMap<String, Shape> products,
            Optional<String> heaviestProduct,
            long widestColumns,
            long steps,
            Optional<StepCounter.KeptSum> largestSum,
            SortedMap<String, Long> unitProducts,
            SortedMap<String, Plan.Meetings> meetings) {

        /** Nothing is kept in one piece. */
        Outcome(
                SortedMap<String, ResultType> results,
                Set<String> handedOver,
                SortedMap<String, Shape> products,
                Optional<String> heaviestProduct,
                long widestColumns,
                long steps) {
            this(
                    results,
                    handedOver,
                    products,
                    heaviestProduct,
                    widestColumns,
                    steps,
                    Optional.empty(),
                    new TreeMap<>(),
                    new TreeMap<>());
        }
    }
}
