// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
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
        return List.of(ExtensionProvider.of("ClippedGrad", ClippedGrad::of));
    }

    @Override
    public List<NamedService> services() {
        return List.of(OptimizerProvider.withCatalog("DpSgd", DpSgd::of));
    }
}
