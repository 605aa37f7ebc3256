// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.module.KroneckerConvention;
import java.util.List;
import java.util.Optional;

/** Brings the extensions of this package. */
@AutoService(Plugin.class)
public final class SecondOrderPlugin implements Plugin {

    private static final String ID = "ext-secondorder";

    @Override
    public PluginDescriptor descriptor() {
        String version = SecondOrderPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(
                ExtensionProvider.of("BatchDiagGGNExact", options -> new BatchDiagGGNExact()),
                ExtensionProvider.of("BatchDiagGGNMC", options -> new BatchDiagGGNMC(McSamples.of(options))),
                ExtensionProvider.of("BatchDiagHessian", options -> new BatchDiagHessian(products(options))),
                ExtensionProvider.of("DiagGGNExact", options -> new DiagGGNExact()),
                ExtensionProvider.of("DiagGGNMC", options -> new DiagGGNMC(McSamples.of(options))),
                ExtensionProvider.of("DiagHessian", options -> new DiagHessian(products(options))),
                ExtensionProvider.of("GGNMP", options -> new GGNMP()),
                ExtensionProvider.of("HMP", options -> new HMP()),
                ExtensionProvider.of("PCHMP", options -> new PCHMP(projection(options))),
                ExtensionProvider.of("SqrtGGNExact", options -> new SqrtGGNExact(Subsampling.of(options))),
                ExtensionProvider.of(
                        "SqrtGGNMC", options -> new SqrtGGNMC(McSamples.of(options), Subsampling.of(options))),
                ExtensionProvider.of("KFAC", SecondOrderPlugin::kfac),
                ExtensionProvider.of("KFLR", options -> new KFLR(convention(options))),
                ExtensionProvider.of("KFRA", options -> new KFRA(convention(options))));
    }

    private static KFAC kfac(Arguments options) {
        String draws = "mc_samples";
        boolean empirical = options.word("fisher", "mc", "mc", "empirical").equals("empirical");
        if (empirical && options.has(draws)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "KFAC(fisher=empirical) draws nothing: leave out 'mc_samples', or use fisher=mc.");
        }
        long samples = options.integer(draws, 1);
        if (samples < 1 || samples > Integer.MAX_VALUE) {
            throw options.wrong(draws, "a number of draws, at least 1", samples);
        }
        return new KFAC((int) samples, empirical ? Fisher.EMPIRICAL : Fisher.MC, convention(options));
    }

    private static boolean products(Arguments options) {
        return options.flag("products", false);
    }

    private static CurvatureMatrix.Projection projection(Arguments options) {
        return options.word("modify", "clip", "clip", "abs").equals("abs")
                ? CurvatureMatrix.Projection.ABS
                : CurvatureMatrix.Projection.CLIP;
    }

    private static Optional<KroneckerConvention> convention(Arguments options) {
        return switch (options.word("convention", "default", "default", "expand", "reduce", "backpack")) {
            case "expand" -> Optional.of(KroneckerConvention.EXPAND);
            case "reduce" -> Optional.of(KroneckerConvention.REDUCE);
            case "backpack" -> Optional.of(KroneckerConvention.BACKPACK);
            default -> Optional.empty();
        };
    }
}
