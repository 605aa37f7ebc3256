// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.MemoryAmount;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The memory budget of a pass. */
public final class MemoryOption {

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = MemoryAmounts.class,
            description = "What a pass may take beside model and data, such as 512MiB. Unlimited by default.")
    private @Nullable MemoryAmount memory;

    /** Whether there is a budget. */
    public boolean isLimited() {
        return memory != null;
    }

    /** Options of a pass with this budget. */
    public PassOptions limit(PassOptions options) {
        return memory == null ? options : options.memory(memory.bytes());
    }
}
