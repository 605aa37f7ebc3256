package io.backpack4j.ext.secondorder;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.ExtensionProvider;
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
        return List.of();
    }
}
