// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * Is told how far a pass is, by the thread that runs it, before each piece of work. The calls of {@link #forward},
 * {@link #backward} and {@link #product} together are {@link Plan#steps}. A listener that throws ends the pass, which
 * is reported as {@code [ListenerFailure]}.
 */
public interface PassListener {

    /** Hears nothing. */
    PassListener NONE = new PassListener() {};

    /**
     * Some samples are taken next.
     *
     * @param stage from 1 on; extensions with several stages walk back several times
     * @param fromSample the first sample's place in the batch
     * @param toSample the place behind the last sample's
     */
    default void chunk(int stage, long fromSample, long toSample) {}

    /**
     * Some columns of a signal start on their way back.
     *
     * @param signal the signal's name, such as {@code loss gradient}
     * @param fromColumn the first column
     * @param toColumn the one behind the last column
     * @param columns how many columns the signal has
     */
    default void columns(String signal, long fromColumn, long toColumn, long columns) {}

    /** A node is evaluated next; a composition is so part by part, named {@code <node>.<part>}. */
    default void forward(String node) {}

    /**
     * Products with unit vectors are made next, of which diagonals are made.
     *
     * @param parameter whose elements they are
     * @param fromElement the first element
     * @param toElement the one behind the last
     */
    default void product(String parameter, long fromElement, long toElement) {}

    /** A signal passes a node on its way back next. */
    default void backward(String node, String signal) {}
}
