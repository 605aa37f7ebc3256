// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import java.util.List;

/** Brings a reader of tables. */
@AutoService(Plugin.class)
public final class SqlPlugin implements Plugin {

    private static final String ID = "data-sql";

    @Override
    public PluginDescriptor descriptor() {
        String version = SqlPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<NamedService> services() {
        return List.of(new DuckDbReader());
    }
}
