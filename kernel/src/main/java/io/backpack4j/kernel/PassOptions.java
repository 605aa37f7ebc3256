// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.module.Mode;
import java.util.OptionalLong;

/**
 * Options of a pass: its splitting, the memory that it may use, and its precision.
 *
 * @param memoryBytes the most memory that the pass and its results may take beside the model and the batch; unlimited
 *     if empty
 * @param chunkSamples how many samples are taken at a time; the plan chooses if empty
 * @param blockColumns how many columns of a signal travel at a time; the plan chooses if empty
 * @param nanPolicy what happens when numbers are not finite
 * @param modes in which modes modules work
 * @param handsOver whether results that can leave the pass part by part do so, to {@link RunOptions#taker}, and are not
 *     among {@link Results}
 * @param precision how exactly products of sampled quantities multiply: those of Monte-Carlo columns on their way back
 *     and with parameters' inputs. The network's outputs, the loss, gradients and all that is exact are always in full
 *     precision
 */
public record PassOptions(
        OptionalLong memoryBytes,
        OptionalLong chunkSamples,
        OptionalLong blockColumns,
        NanPolicy nanPolicy,
        ModeOptions modes,
        boolean handsOver,
        Precision precision) {

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

    /** In full precision. */
    public PassOptions(
            OptionalLong memoryBytes,
            OptionalLong chunkSamples,
            OptionalLong blockColumns,
            NanPolicy nanPolicy,
            ModeOptions modes,
            boolean handsOver) {
        this(memoryBytes, chunkSamples, blockColumns, nanPolicy, modes, handsOver, Precision.FULL);
    }

    /** With a memory budget. */
    public PassOptions memory(long bytes) {
        return new PassOptions(
                OptionalLong.of(bytes), chunkSamples, blockColumns, nanPolicy, modes, handsOver, precision);
    }

    /** With chunks of a fixed number of samples; the last may be smaller. */
    public PassOptions chunk(long samples) {
        return new PassOptions(
                memoryBytes, OptionalLong.of(samples), blockColumns, nanPolicy, modes, handsOver, precision);
    }

    /** With blocks of a fixed number of columns; the last may be smaller. */
    public PassOptions block(long columns) {
        return new PassOptions(
                memoryBytes, chunkSamples, OptionalLong.of(columns), nanPolicy, modes, handsOver, precision);
    }

    /** With another policy for numbers that are not finite. */
    public PassOptions nan(NanPolicy policy) {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, policy, modes, handsOver, precision);
    }

    /**
     * With results that leave the pass part by part, where they can:
     * {@link io.backpack4j.spi.extension.Extension#resultRule} says where.
     */
    public PassOptions handingOver() {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, nanPolicy, modes, true, precision);
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

    /**
     * With products of sampled quantities in another precision. {@link Precision#BF16_FAST} is refused for
     * {@code FLOAT64}, and where the backend or the processor has nothing faster.
     */
    public PassOptions precision(Precision other) {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, nanPolicy, modes, handsOver, other);
    }

    /** With other modes. */
    public PassOptions modes(ModeOptions other) {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, nanPolicy, other, handsOver, precision);
    }

    private static void requirePositive(String what, OptionalLong value) {
        if (value.isPresent() && value.getAsLong() < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The %s is %d, but must be at least 1.".formatted(what, value.getAsLong()));
        }
    }
}
