// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

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

    @Override
    public PluginDescriptor descriptor() {
        String version = FirstOrderPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(
                ExtensionProvider.of("BatchGrad", options -> new BatchGrad(Subsampling.of(options))),
                ExtensionProvider.of("BatchGradRows", options -> new BatchGradRows(Subsampling.of(options))),
                ExtensionProvider.of("BatchL2Grad", options -> new BatchL2Grad()),
                ExtensionProvider.of("SumGradSquared", options -> new SumGradSquared()),
                ExtensionProvider.of("Variance", options -> new Variance()));
    }
}
