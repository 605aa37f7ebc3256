// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.OptionalInt;

/**
 * Options of an evaluation on Spark.
 *
 * @param batch how many samples a pass takes; the last of a partition has fewer
 * @param partitions the most partitions that passes run in, each of which makes a state of its own: neighbouring ones
 *     of the data are taken together. If empty, as many as tasks at a time ({@code spark.default.parallelism})
 * @param fanIn how many states a task merges
 * @param seed of random draws, which are keyed by sample ids
 * @param pass how a pass is split, and what memory it may use
 * @param ids how samples are known to the states, see {@link SampleIds}: with {@link SampleIds#NONE} nobody notices a
 *     sample that comes twice
 * @param distinct whether a job looks for repeated ids first
 * @param outputs whether the network's outputs are among the results per sample
 */
public record SparkOptions(
        int batch,
        OptionalInt partitions,
        int fanIn,
        long seed,
        PassOptions pass,
        SampleIds ids,
        boolean distinct,
        boolean outputs) {

    /** Batches of 512, one partition per task slot, seed 0, ids neither kept nor looked at. */
    public static final SparkOptions DEFAULT =
            new SparkOptions(512, OptionalInt.empty(), 8, 0, PassOptions.DEFAULT, SampleIds.NONE, false, false);

    public SparkOptions {
        require("number of samples per batch", batch, 1);
        require("number of states that a task merges", fanIn, 2);
        partitions.ifPresent(count -> require("number of partitions", count, 1));
    }

    private static void require(String what, int value, int least) {
        if (value < least) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The %s is %d, but must be at least %d.".formatted(what, value, least));
        }
    }

    /** With batches of another size. */
    public SparkOptions batch(int samples) {
        return new SparkOptions(samples, partitions, fanIn, seed, pass, ids, distinct, outputs);
    }

    /** With passes in at most so many partitions. */
    public SparkOptions partitions(int count) {
        return new SparkOptions(batch, OptionalInt.of(count), fanIn, seed, pass, ids, distinct, outputs);
    }

    /** With so many states merged by a task. */
    public SparkOptions fanIn(int states) {
        return new SparkOptions(batch, partitions, states, seed, pass, ids, distinct, outputs);
    }

    /** With another seed. */
    public SparkOptions seed(long other) {
        return new SparkOptions(batch, partitions, fanIn, other, pass, ids, distinct, outputs);
    }

    /** With other options of passes. */
    public SparkOptions pass(PassOptions other) {
        return new SparkOptions(batch, partitions, fanIn, seed, other, ids, distinct, outputs);
    }

    /** With samples known in another way. */
    public SparkOptions ids(SampleIds other) {
        return new SparkOptions(batch, partitions, fanIn, seed, pass, other, distinct, outputs);
    }

    /** With a job that refuses repeated ids first; it shuffles all ids. */
    public SparkOptions checkDistinct() {
        return new SparkOptions(batch, partitions, fanIn, seed, pass, ids, true, outputs);
    }

    /** With the network's outputs among the results per sample. */
    public SparkOptions keepOutputs() {
        return new SparkOptions(batch, partitions, fanIn, seed, pass, ids, distinct, true);
    }
}
