// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.catalog;

import com.google.auto.service.AutoService;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.training.curvature.CurvatureOptimizers;
import io.backpack4j.training.optimizer.Optimizers;
import io.backpack4j.training.schedule.Schedules;
import java.util.ArrayList;
import java.util.List;

/** Brings the optimisers and schedules of this module. */
@AutoService(Plugin.class)
public final class TrainingPlugin implements Plugin {

    private static final String ID = "training";

    @Override
    public PluginDescriptor descriptor() {
        String version = TrainingPlugin.class.getPackage().getImplementationVersion();
        return new PluginDescriptor(ID, version == null ? "development" : version, SpiVersion.MAJOR);
    }

    @Override
    public List<NamedService> services() {
        List<NamedService> services = new ArrayList<>(Optimizers.all());
        services.addAll(CurvatureOptimizers.all());
        services.addAll(Schedules.all());
        return services;
    }
}
