// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import static io.backpack4j.spi.extension.ExtensionDescription.of;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;

/** Brings the extensions of this package. */
@AutoService(Plugin.class)
public final class FirstOrderPlugin implements Plugin {

    private static final String ID = "ext-firstorder";
    private static final String BACKPACK = "BackPACK: F. Dangel, F. Kunstner, P. Hennig (2020), ICLR";

    @Override
    public PluginDescriptor descriptor() {
        String version = FirstOrderPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(
                ExtensionProvider.of("BatchGrad", options -> new BatchGrad(Subsampling.of(options)))
                        .describedBy(of("<p>/grad_batch", "[N, *p]", "g_n = c · ∇ℓ_n", "c")
                                .option("subsampling", "all", "positions in the batch whose samples are taken")
                                .source(BACKPACK)),
                ExtensionProvider.of("BatchGradRows", options -> new BatchGradRows(Subsampling.of(options)))
                        .describedBy(of("<p>/grad_batch_rows/ids", "[N, K]", "the rows that occur in a sample", "")
                                .result("<p>/grad_batch_rows/rows", "[N, K, *row]", "these rows of g_n", "c")
                                .option("subsampling", "all", "positions in the batch whose samples are taken")),
                ExtensionProvider.of("BatchL2Grad", options -> new BatchL2Grad())
                        .describedBy(of("<p>/batch_l2", "[N]", "the sum of squares of g_n", "c²")
                                .source(BACKPACK)),
                ExtensionProvider.of("SumGradSquared", options -> new SumGradSquared())
                        .describedBy(of("<p>/sum_grad_squared", "*p", "Σ_n g_n²", "c²")
                                .source(BACKPACK)),
                ExtensionProvider.of("Variance", options -> new Variance())
                        .describedBy(of("<p>/variance", "*p", "(1/N) Σ_n (g_n − ḡ)²", "c²")
                                .source(BACKPACK)));
    }
}
