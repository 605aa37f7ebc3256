// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;

/** Brings the extensions of this package. */
@AutoService(Plugin.class)
public final class VivitPlugin implements Plugin {

    private static final String ID = "ext-vivit";

    @Override
    public PluginDescriptor descriptor() {
        String version = VivitPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(
                ExtensionProvider.of("CenteredBatchGrad", options -> new CenteredBatchGrad()),
                ExtensionProvider.of(
                        "CenteredGramBatchGrad", options -> new CenteredGramBatchGrad(isLayerwise(options))),
                ExtensionProvider.of("DirectionalDampedNewton", VivitPlugin::newton),
                ExtensionProvider.of(
                        "DirectionalDerivatives",
                        options -> new DirectionalDerivatives(
                                VivitOptions.root(options, "subsampling_ggn"),
                                VivitOptions.directions(options, "DirectionalDerivatives"),
                                VivitOptions.gradients(options))),
                ExtensionProvider.of(
                        "GgnEigenvalues", options -> new GgnEigenvalues(VivitOptions.root(options, "subsampling"))),
                ExtensionProvider.of(
                        "GgnEigenvectors",
                        options -> new GgnEigenvectors(
                                VivitOptions.root(options, "subsampling"),
                                VivitOptions.directions(options, "GgnEigenvectors"))),
                ExtensionProvider.of("GramBatchGrad", options -> new GramBatchGrad(isLayerwise(options))),
                ExtensionProvider.of(
                        "GramSqrtGGNExact",
                        options -> new GramSqrtGGNExact(isLayerwise(options), Subsampling.of(options))),
                ExtensionProvider.of(
                        "GramSqrtGGNMC",
                        options -> new GramSqrtGGNMC(
                                VivitOptions.mcSamples(options, 1), isLayerwise(options), Subsampling.of(options))),
                ExtensionProvider.of("Ntk", options -> new Ntk(isLayerwise(options))));
    }

    private static boolean isLayerwise(Arguments options) {
        return options.flag("layerwise", false);
    }

    private static DirectionalDampedNewton newton(Arguments options) {
        return new DirectionalDampedNewton(
                VivitOptions.root(options, "subsampling_ggn"),
                VivitOptions.directions(options, "DirectionalDampedNewton"),
                VivitOptions.gradients(options),
                Damping.constant(options.number("damping", 1)));
    }
}
