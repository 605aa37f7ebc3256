// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import java.util.List;

/** Brings the format ONNX. */
@AutoService(Plugin.class)
public final class OnnxPlugin implements Plugin {

    private static final String ID = "onnx";

    @Override
    public PluginDescriptor descriptor() {
        String version = OnnxPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<NamedService> services() {
        return List.of(new OnnxFormat());
    }
}
