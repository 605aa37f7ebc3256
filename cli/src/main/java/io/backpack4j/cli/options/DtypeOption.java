// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.tensor.DType;
import picocli.CommandLine.Option;

/** The element type of a computation on numbers that are drawn or images. */
public final class DtypeOption {

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            defaultValue = "float32",
            converter = FloatingType.class,
            completionCandidates = FloatingType.class,
            description = "float32 (the default) or float64.")
    private DType dtype;

    public DType value() {
        return dtype;
    }
}
