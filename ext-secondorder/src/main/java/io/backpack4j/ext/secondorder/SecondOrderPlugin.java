package io.backpack4j.ext.secondorder;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;

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
                ExtensionProvider.of("BatchDiagHessian", options -> new BatchDiagHessian()),
                ExtensionProvider.of("DiagGGNExact", options -> new DiagGGNExact()),
                ExtensionProvider.of("DiagGGNMC", options -> new DiagGGNMC(McSamples.of(options))),
                ExtensionProvider.of("DiagHessian", options -> new DiagHessian()),
                ExtensionProvider.of("SqrtGGNExact", options -> new SqrtGGNExact(Subsampling.of(options))),
                ExtensionProvider.of(
                        "SqrtGGNMC", options -> new SqrtGGNMC(McSamples.of(options), Subsampling.of(options))));
    }
}
