package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import java.util.OptionalLong;

/**
 * How a pass is split and what it may use.
 *
 * @param memoryBytes the most memory that the pass and its results may take beside the model and the batch; unlimited if empty
 * @param chunkSamples how many samples are taken at a time; the plan chooses if empty
 * @param blockColumns how many columns of a signal travel at a time; the plan chooses if empty
 * @param nanPolicy what happens when numbers are not finite
 * @param handsOver whether results that can leave the pass part by part do so, to {@link RunOptions#taker}, and are not among {@link Results}
 */
public record PassOptions(
        OptionalLong memoryBytes,
        OptionalLong chunkSamples,
        OptionalLong blockColumns,
        NanPolicy nanPolicy,
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
        this(memoryBytes, chunkSamples, blockColumns, NanPolicy.FAIL, false);
    }

    /** With a memory budget. */
    public PassOptions memory(long bytes) {
        return new PassOptions(OptionalLong.of(bytes), chunkSamples, blockColumns, nanPolicy, handsOver);
    }

    /** With chunks of a fixed number of samples; the last may be smaller. */
    public PassOptions chunk(long samples) {
        return new PassOptions(memoryBytes, OptionalLong.of(samples), blockColumns, nanPolicy, handsOver);
    }

    /** With blocks of a fixed number of columns; the last may be smaller. */
    public PassOptions block(long columns) {
        return new PassOptions(memoryBytes, chunkSamples, OptionalLong.of(columns), nanPolicy, handsOver);
    }

    /** With another policy for numbers that are not finite. */
    public PassOptions nan(NanPolicy policy) {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, policy, handsOver);
    }

    /** With results that leave the pass part by part, where they can: {@link io.backpack4j.spi.extension.Extension#resultRule} says where. */
    public PassOptions handingOver() {
        return new PassOptions(memoryBytes, chunkSamples, blockColumns, nanPolicy, true);
    }

    private static void requirePositive(String what, OptionalLong value) {
        if (value.isPresent() && value.getAsLong() < 1) {
            throw new BackpackException(
                    "InvalidOption", "The %s is %d, but must be at least 1.".formatted(what, value.getAsLong()));
        }
    }
}
