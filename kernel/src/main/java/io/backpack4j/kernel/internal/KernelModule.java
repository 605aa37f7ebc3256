// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.internal.discovery.BackendSelector;
import io.backpack4j.kernel.internal.discovery.KernelSettings;
import io.backpack4j.kernel.internal.discovery.PluginCatalog;
import io.backpack4j.kernel.internal.discovery.PluginDiscovery;
import io.backpack4j.kernel.internal.plan.Planner;

/** Wires the kernel: settings → plugins → catalogue and backend → planner. */
public final class KernelModule extends AbstractModule {

    private final KernelSettings settings;

    public KernelModule(KernelSettings settings) {
        this.settings = settings;
    }

    @Override
    protected void configure() {
        binder().requireExplicitBindings();
        binder().disableCircularProxies();
        bind(KernelSettings.class).toInstance(settings);
        bind(PluginDiscovery.class).in(Singleton.class);
        bind(BackendSelector.class).in(Singleton.class);
        bind(Planner.class).in(Singleton.class);
        bind(Kernel.class).in(Singleton.class);
    }

    @Provides
    @Singleton
    PluginCatalog pluginCatalog(PluginDiscovery discovery) {
        return discovery.discover();
    }

    @Provides
    Catalog catalog(PluginCatalog catalog) {
        return catalog;
    }
}
