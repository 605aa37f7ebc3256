// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/** What a {@link Session} does with results that have an entry per sample, such as unreduced losses and norms. */
public enum PerSample {
    /** They are kept in host memory, and stand in {@link Session#results} in the order of ids. */
    KEEP,

    /**
     * They leave the session with their batch ({@link Session#add(Batch, RunOperands, java.util.function.Consumer)}).
     * The session is left with the others, and the sum of the losses. Refused for extensions that do not say that
     * samples are treated one by one ({@link io.backpack4j.spi.extension.Extension#resultRule}).
     */
    HAND_OVER,

    /** There are none: extensions that make some are refused. Of the losses, the sum is left. */
    DROP
}
