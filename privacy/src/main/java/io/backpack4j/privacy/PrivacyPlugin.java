// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionDescription;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.training.OptimizerProvider;
import java.util.List;

/** Brings clipped gradients and the private optimiser. */
@AutoService(Plugin.class)
public final class PrivacyPlugin implements Plugin {

    private static final String ID = "privacy";

    @Override
    public PluginDescriptor descriptor() {
        String version = PrivacyPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(ExtensionProvider.of("ClippedGrad", ClippedGrad::of)
                .describedBy(ExtensionDescription.of(
                                "<p>/clipped_grad",
                                "*p",
                                "Σ_n min(1, max_norm/‖v_n‖) v_n, v_n the gradient of the sample's own loss",
                                "")
                        .result("*/clipped_grad/norms", "[N]", "‖v_n‖ over all parameters", "")
                        .option("max_norm", "1", "the largest norm that is left alone")
                        .option("per_layer", "false", "whether every layer is clipped by itself")
                        .option(
                                "groups",
                                "all",
                                "the parameters whose norms are taken together: all, layer, parameter, or lists of patterns")
                        .source("M. Abadi et al. (2016), CCS")));
    }

    @Override
    public List<NamedService> services() {
        return List.of(OptimizerProvider.withCatalog("DpSgd", DpSgd::of));
    }
}
