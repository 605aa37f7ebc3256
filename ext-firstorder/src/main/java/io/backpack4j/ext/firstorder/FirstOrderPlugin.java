package io.backpack4j.ext.firstorder;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
import java.util.ArrayList;
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
                ExtensionProvider.of("BatchGrad", FirstOrderPlugin::batchGrad),
                ExtensionProvider.of("BatchL2Grad", options -> new BatchL2Grad()),
                ExtensionProvider.of("SumGradSquared", options -> new SumGradSquared()),
                ExtensionProvider.of("Variance", options -> new Variance()));
    }

    private static BatchGrad batchGrad(Arguments options) {
        String name = "subsampling";
        if (!options.has(name)) {
            return new BatchGrad();
        }
        List<Integer> positions = new ArrayList<>();
        for (long position : options.integers(name)) {
            if (position < 0 || position > Integer.MAX_VALUE) {
                throw options.wrong(name, "a list of positions in the batch, counted from 0", options.integers(name));
            }
            positions.add((int) position);
        }
        return new BatchGrad(positions);
    }
}
