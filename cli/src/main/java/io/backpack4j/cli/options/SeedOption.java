// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import picocli.CommandLine.Option;

/** The seed of random draws. */
public final class SeedOption {

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "The seed of whatever is drawn at random. 0 by default.")
    private long seed;

    public long value() {
        return seed;
    }
}
