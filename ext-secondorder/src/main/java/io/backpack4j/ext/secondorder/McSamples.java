// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.Arguments;

/** The option {@code mc_samples}: how many targets are drawn per sample. */
final class McSamples {

    private static final String OPTION = "mc_samples";

    private McSamples() {}

    /** Reads the option, one by default. */
    static int of(Arguments options) {
        long count = options.integer(OPTION, 1);
        if (count < 1 || count > Integer.MAX_VALUE) {
            throw options.wrong(OPTION, "an integer of at least 1", count);
        }
        return (int) count;
    }
}
