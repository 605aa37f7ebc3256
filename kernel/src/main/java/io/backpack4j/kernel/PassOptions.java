// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Mode;
import java.util.OptionalLong;

/**
 * Options of a pass: its splitting, and the memory that it may use.
 *
 * @param memoryBytes the most memory that the pass and its results may take beside the model and the batch; unlimited
 *     if empty
 * @param chunkSamples how many samples are taken at a time; the plan chooses if empty
 * @param blockColumns how many columns of a signal travel at a time; the plan chooses if empty
 * @param nanPolicy what happens when numbers are not finite
 * @param modes in which modes modules work
 * @param handsOver whether results that can leave the pass part by part do so, to {@link RunOptions#taker}, and are not
 *     among {@link Results}
 */
public record PassOptions(
        OptionalLong memoryBytes,
        OptionalLong chunkSamples,
        OptionalLong blockColumns,
        NanPolicy nanPolicy,
        ModeOptions modes,
        boolean handsOver) {

    /** Nothing is limited: one chunk, and as many columns at a time as is fast; numbers must be finite. */
    public static final PassOptions DEFAULT =
            new PassOptions(OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty());

    public PassOptions {
        requirePositive("memory budget", memoryBytes);
        requirePositive("number of samples per chunk", chunkSamples);
        requirePositive("number of columns per block", blockColumns);
    }

    /** With {@link NanPolicy#FAIL}. */
    public PassOptions(OptionalLong memoryBytes, OptionalLong chunkSamples, OptionalLong blockColumns) {
        this(memoryBytes, chunkSamples, blockColumns, NanPolicy.FAIL, ModeOptions.DEFAULT, false);
    }

    /** With a memory budget. */
    public PassOptions memory(long bytes) {
        return new PassOptions(OptionalLong.of(bytes), chunkSamples, blockColumns, nanPolicy, modes, handsOver);
    }

    /** With chunks of a fixed number of samples; the last may be smaller. */
    public PassOptions chunk(long samples) {
        return new PassOptions(memoryBytes, OptionalLong.of(samples), blockColumns, nanPolicy, modes, handsOver);
    }

    /** With blocks of a fixed number of columns; the last may be smaller. */
    public PassOptions block(long columns) {
        return new PassOptions(memoryBytes, chunkSamples, OptionalLong.of(columns), nanPolicy, modes, handsOver);
    }

    /** With another policy for numbers that are not finite. */
    public PassOptions nan(NanPolicy policy) {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, policy, modes, handsOver);
    }

    /**
     * With results that leave the pass part by part, where they can:
     * {@link io.backpack4j.spi.extension.Extension#resultRule} says where.
     */
    public PassOptions handingOver() {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, nanPolicy, modes, true);
    }

    /** With all nodes in a mode, whatever they say. */
    public PassOptions mode(Mode mode) {
        return modes(modes.mode(mode));
    }

    /**
     * With some nodes in a mode, such as frozen batch norms in {@link Mode#EVAL}; wins over {@link #mode(Mode)}.
     *
     * @param patterns of their names, {@code *} standing for anything
     */
    public PassOptions mode(Mode mode, String... patterns) {
        return modes(modes.mode(mode, patterns));
    }

    /**
     * With statistics of the batch differentiated, or taken as constants: then there are quantities of single samples.
     */
    public PassOptions statistics(BatchStatistics statistics) {
        return modes(modes.statistics(statistics));
    }

    /** With buffers updated by a pass that succeeds, as is the default, or not, as probes want it. */
    public PassOptions updateBuffers(boolean updates) {
        return modes(modes.updateBuffers(updates));
    }

    /** With other modes. */
    public PassOptions modes(ModeOptions other) {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, nanPolicy, other, handsOver);
    }

    private static void requirePositive(String what, OptionalLong value) {
        if (value.isPresent() && value.getAsLong() < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The %s is %d, but must be at least 1.".formatted(what, value.getAsLong()));
        }
    }
}
