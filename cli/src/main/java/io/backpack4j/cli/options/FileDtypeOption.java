// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.tensor.DType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The element type of a computation on parameters of a file. */
public final class FileDtypeOption {

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = FloatingType.class,
            completionCandidates = FloatingType.class,
            description = "float32 or float64. By default what the parameters in the file have: float64 if one is F64.")
    private @Nullable DType dtype;

    /** The type; null for that of the file. */
    public @Nullable DType value() {
        return dtype;
    }
}
