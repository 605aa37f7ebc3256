// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/** How partial results of parts of a batch become one. */
public enum MergeRule {
    /** They add. */
    SUM,
    /** Count, sum and centred squares, merged as Chan, Golub, LeVeque (1979) do. */
    MOMENTS,
    /** They stand behind each other along the first axis. */
    PER_SAMPLE,
    /** They stand beside each other along the axes of columns and samples. */
    PER_COLUMN_AND_SAMPLE,
    /** The larger number wins, element by element. */
    MAX,
    /** They do not merge: the batch and its columns must be taken as a whole. */
    NOT_MERGEABLE;

    /** Whether what merges so has an entry per sample. */
    public boolean isPerSample() {
        return this == PER_SAMPLE || this == PER_COLUMN_AND_SAMPLE;
    }
}
