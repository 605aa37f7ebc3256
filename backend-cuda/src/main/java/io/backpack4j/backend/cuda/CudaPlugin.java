// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.backend.BackendProvider;
import java.util.List;

/** Brings the backend {@code cuda}. */
@AutoService(Plugin.class)
public final class CudaPlugin implements Plugin {

    private static final String ID = "backend-cuda";

    @Override
    public PluginDescriptor descriptor() {
        String version = CudaPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<BackendProvider> backends() {
        return List.of(new CudaBackendProvider());
    }
}
