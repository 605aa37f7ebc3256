// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Sees every step of a pass, and may end the pass by throwing. */
public interface PassObserver {

    /** Whether the pass is a trial of a plan, whose numbers mean nothing. */
    default boolean isTrial() {
        return false;
    }

    /** Does nothing. */
    PassObserver NONE = new PassObserver() {};

    /** Some samples are taken next. */
    default void chunk(int stage, long fromSample, long toSample) {}

    /** All results are made, and what they were made of is still there. */
    default void made() {}

    /** Some of a signal's columns start next. */
    default void columns(Signal signal, Block block, long columns) {}

    /**
     * All columns of a signal have met all others, in blocks.
     *
     * @param blocks how many blocks there were
     * @param kept how many of them were kept at a time; 0 if every two walked together
     * @param walks how many walks it took, those included in which they passed for the first time
     */
    default void met(Signal signal, long blocks, long kept, long walks) {}

    /**
     * A sum over parameters is kept from now on, in one piece.
     *
     * @param what it, beginning a sentence
     */
    default void sum(String what, Shape shape, long bytes) {}

    /**
     * Whether it wants to see no more than some of every kind of products with unit vectors, which take as much memory
     * as all.
     */
    default boolean isRehearsal() {
        return false;
    }

    /**
     * Products with unit vectors follow, one for every element of a parameter.
     *
     * @param blocks how many blocks of elements there are
     * @param times how often they are made: once for some samples together, or once for each of them
     */
    default void unitProducts(String parameter, long elements, long blocks, long times) {}

    /** A block of products with unit vectors is made next, for some neighbouring elements of a parameter. */
    default void unitProduct(String parameter, long fromElement, long toElement) {}

    /** A node is evaluated next. */
    default void forward(BoundNode node) {}

    /**
     * A node was evaluated.
     *
     * @param output {@code [n, *out]}
     * @param fromSample the place of the first sample in the batch
     */
    default void evaluated(BoundNode node, Tensor output, long fromSample) {}

    /**
     * The loss was evaluated.
     *
     * @param values {@code [n]}
     * @param fromSample the place of the first sample in the batch
     */
    default void evaluated(Tensor values, long fromSample) {}

    /**
     * A signal passes a node next.
     *
     * @param arrived its columns at the node's output, {@code [v, n, *out]}
     * @param block which columns and samples they are
     */
    default void backward(BoundNode node, Signal signal, Tensor arrived, Block block) {}
}
