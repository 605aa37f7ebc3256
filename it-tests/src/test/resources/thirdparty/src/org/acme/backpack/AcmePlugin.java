package org.acme.backpack;

import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;

/** What the jar brings. */
public final class AcmePlugin implements Plugin {

    @Override
    public PluginDescriptor descriptor() {
        return new PluginDescriptor("acme", "1.0", SpiVersion.MAJOR);
    }

    @Override
    public List<ModuleProvider> modules() {
        return List.of(
                ModuleProvider.of("Gain", arguments -> new Gain(arguments.number("initial", 1))),
                ModuleProvider.of("Gated", arguments -> new Gated(arguments.integer("features"))));
    }

    @Override
    public List<LossProvider> losses() {
        return List.of(LossProvider.of("PoissonLoss", arguments -> new PoissonLoss()));
    }

    @Override
    public List<ExtensionProvider> extensions() {
        return List.of(ExtensionProvider.of(
                "SignalToNoise", options -> new SignalToNoise(options.number("epsilon", 1e-8))));
    }
}
