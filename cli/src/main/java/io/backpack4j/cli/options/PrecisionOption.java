// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.cli.console.Text;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.backend.Precision;
import java.util.Map;
import picocli.CommandLine.Option;

/** How exactly products of sampled quantities multiply. */
public final class PrecisionOption {

    @Option(
            names = "--precision",
            paramLabel = "PRECISION",
            defaultValue = "full",
            converter = Precisions.class,
            completionCandidates = Precisions.class,
            description =
                    "How products of Monte-Carlo quantities, such as DiagGGNMC and KFAC, multiply: full (the default), or"
                            + " bf16_fast, which rounds their operands to bfloat16. All else is in full precision.")
    private Precision precision;

    /** Options of a pass with this precision. */
    public PassOptions apply(PassOptions options) {
        return options.precision(precision);
    }

    /** Notes it in a file's metadata, unless it is the default. */
    public void addTo(Map<String, String> metadata) {
        if (precision != Precision.FULL) {
            metadata.put("precision", Text.of(precision));
        }
    }
}
