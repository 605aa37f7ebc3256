// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.backend.BackendProvider;
import java.util.List;

/** Brings the backend {@code cpu}. */
@AutoService(Plugin.class)
public final class CpuPlugin implements Plugin {

    private static final String ID = "backend-cpu";

    @Override
    public PluginDescriptor descriptor() {
        String version = CpuPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<BackendProvider> backends() {
        return List.of(new CpuBackendProvider());
    }
}
