// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.CodeLocation;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.SpiVersion;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * Finds plugins by ServiceLoader. A provider that cannot be loaded, throws, or was compiled against another version of
 * the contracts becomes a problem that names it and its jar, as does a jar that cannot be read; the rest is read. All
 * problems are reported together.
 */
public final class PluginDiscovery {

    private final KernelSettings settings;

    @Inject
    PluginDiscovery(KernelSettings settings) {
        this.settings = settings;
    }

    /**
     * Reads all plugins.
     *
     * @throws BackpackException with every problem, unless broken plugins are to be skipped
     */
    public PluginCatalog discover() {
        List<Problem> problems = new ArrayList<>();
        List<LoadedPlugin> plugins = new ArrayList<>();
        ClassLoader loader = loader();
        ServiceFiles files = ServiceFiles.read(loader);
        problems.addAll(PluginJars.unreadable(loader, settings.pluginPath()));
        rejectRepeated(files, problems);
        Iterator<ServiceLoader.Provider<Plugin>> providers =
                ServiceLoader.load(Plugin.class, loader).stream().iterator();
        while (true) {
            Optional<ServiceLoader.Provider<Plugin>> provider;
            try {
                if (!providers.hasNext()) {
                    break;
                }
                provider = Optional.of(providers.next());
            } catch (ServiceConfigurationError | LinkageError e) {
                String description = describe(e);
                problems.add(new Problem(
                        KernelProblems.BROKEN_PLUGIN,
                        "A plugin could not be loaded: " + description + "." + files.origin(description)));
                continue;
            }
            Class<? extends Plugin> type = provider.get().type();
            if (!settings.excludedPlugins().contains(type.getName())) {
                load(provider.get(), type, plugins, problems);
            }
        }
        plugins.sort(Comparator.comparing(plugin -> plugin.descriptor().id()));
        List<LoadedPlugin> unique = rejectDuplicates(plugins, problems);
        if (!problems.isEmpty() && !settings.skipBroken()) {
            throw new BackpackException(problems);
        }
        problems.addAll(PluginJars.withoutPlugin(settings.pluginPath()));
        return new PluginCatalog(unique, problems);
    }

    /** One class in two jars: the first on the class path would win silently. */
    private void rejectRepeated(ServiceFiles files, List<Problem> problems) {
        files.repeated().forEach((type, jars) -> {
            if (!settings.excludedPlugins().contains(type)) {
                problems.add(new Problem(
                        KernelProblems.DUPLICATE_PLUGIN,
                        "Plugin %s is on the class path more than once: %s. Remove all but one."
                                .formatted(type, String.join(", ", jars))));
            }
        });
    }

    private ClassLoader loader() {
        if (settings.classLoader().isPresent()) {
            return settings.classLoader().get();
        }
        ClassLoader own = Plugin.class.getClassLoader();
        ClassLoader ofThread = Thread.currentThread().getContextClassLoader();
        return ofThread != null && seesSamePlugin(ofThread) ? ofThread : own;
    }

    private static boolean seesSamePlugin(ClassLoader loader) {
        try {
            return loader.loadClass(Plugin.class.getName()) == Plugin.class;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    private static void load(
            ServiceLoader.Provider<Plugin> provider,
            Class<? extends Plugin> type,
            List<LoadedPlugin> plugins,
            List<Problem> problems) {
        String location = CodeLocation.of(type);
        try {
            Plugin plugin = provider.get();
            PluginDescriptor descriptor = plugin.descriptor();
            if (descriptor.compiledAgainst() != SpiVersion.MAJOR) {
                problems.add(new Problem(
                        KernelProblems.INCOMPATIBLE_PLUGIN,
                        "Plugin '%s' %s (%s) was compiled against version %d of the contracts; this kernel has version %d. Use a version of the plugin made for it, or another kernel."
                                .formatted(
                                        descriptor.id(),
                                        descriptor.version(),
                                        location,
                                        descriptor.compiledAgainst(),
                                        SpiVersion.MAJOR)));
                return;
            }
            plugins.add(LoadedPlugin.read(plugin, descriptor));
        } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
            problems.add(new Problem(
                    KernelProblems.BROKEN_PLUGIN,
                    "Plugin %s (%s) failed to load: %s. Remove or replace the jar, or leave the plugin out with -Dbackpack.plugins.exclude=%s."
                            .formatted(type.getName(), location, describe(e), type.getName())));
        }
    }

    /**
     * Plugins that clash in an id or in a name they provide are problems; the first by id stays, for callers that skip
     * broken ones.
     */
    private static List<LoadedPlugin> rejectDuplicates(List<LoadedPlugin> plugins, List<Problem> problems) {
        Map<String, LoadedPlugin> owners = new HashMap<>();
        List<LoadedPlugin> kept = new ArrayList<>();
        for (LoadedPlugin plugin : plugins) {
            boolean clashes = false;
            for (String key : plugin.names()) {
                LoadedPlugin owner = owners.putIfAbsent(key, plugin);
                if (owner != null) {
                    clashes = true;
                    problems.add(new Problem(
                            KernelProblems.DUPLICATE_NAME,
                            "%s is provided twice: by %s (%s) and by %s (%s). Remove one jar, or leave a plugin out with -Dbackpack.plugins.exclude=<class>."
                                    .formatted(
                                            key,
                                            owner.className(),
                                            owner.location(),
                                            plugin.className(),
                                            plugin.location())));
                }
            }
            if (!clashes) {
                kept.add(plugin);
            }
        }
        return kept;
    }

    private static String describe(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage());
    }
}
