// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * How a {@link Session} knows whose results it has. Random draws do not depend on it: they are keyed by the ids that
 * come with every batch.
 */
public enum SampleIds {
    /** Every id is kept, and a sample that is there already is refused: 24 bytes a sample, of them 8 in a state. */
    TRACKED,

    /**
     * Ranges of neighbouring ids are kept, joined where they meet, and a range that overlaps one that is there is
     * refused: 16 bytes a range in a state. For samples that come in order, or in ordered parts; ids that are scattered
     * are as many ranges, each of which takes more than a tracked id.
     */
    RANGES,

    /**
     * No ids are kept, only their number. Nothing notices a sample that is added twice, nor a session that is merged
     * twice. Not together with {@link PerSample#KEEP}.
     */
    NONE
}
