// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.MemoryAmount;
import org.apache.spark.SparkConf;

/** The size of a state, against what the driver takes from its tasks. */
final class StateSize {

    private static final String LIMIT = "spark.driver.maxResultSize";

    /** Names and properties beside the numbers, and what Spark wraps around chunks. */
    private static final long REST = 1 << 20;

    private StateSize() {}

    /** @throws BackpackException if the state is larger than the limit */
    static void require(long bytes, SparkConf conf) {
        long limit = conf.getSizeAsBytes(LIMIT, "1g");
        long needed = bytes + REST;
        if (limit > 0 && needed > limit) {
            throw new BackpackException(
                    SparkProblems.STATE_TOO_LARGE,
                    "The state of this evaluation takes %s, but %s is %s. Start Spark with --conf %s=%dm, or ask for fewer extensions or parameters."
                            .formatted(
                                    new MemoryAmount(needed),
                                    LIMIT,
                                    new MemoryAmount(limit),
                                    LIMIT,
                                    (needed >> 20) + 1));
        }
    }
}
