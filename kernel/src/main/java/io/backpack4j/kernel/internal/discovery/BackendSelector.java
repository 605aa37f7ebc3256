// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.MissingClass;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Suggestions;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import jakarta.inject.Inject;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Picks and opens a backend: the one asked for, or the available one with the highest priority. Never another one
 * silently.
 */
public final class BackendSelector {

    private static final Logger LOG = LoggerFactory.getLogger(BackendSelector.class);

    private final KernelSettings settings;
    private final PluginCatalog catalog;

    @Inject
    BackendSelector(KernelSettings settings, PluginCatalog catalog) {
        this.settings = settings;
        this.catalog = catalog;
    }

    /** Opens the backend. */
    public Backend open() {
        BackendProvider provider =
                settings.backend().isPresent() ? requested(settings.backend().get()) : best();
        LOG.debug("Opening backend '{}' with {} threads", provider.id(), settings.threads());
        var configuration = new BackendConfiguration(settings.threads(), settings.backendProperties(provider.id()));
        try {
            return provider.open(configuration);
        } catch (BackpackException e) {
            throw e;
        } catch (RuntimeException | LinkageError e) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "Backend '%s' failed to open: %s"
                            .formatted(provider.id(), MissingClass.describe(e, catalog.location(provider))),
                    e);
        }
    }

    private BackendProvider requested(String id) {
        BackendProvider provider = catalog.backendProviders().get(id);
        if (provider == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_BACKEND,
                    "Backend '%s' was asked for%s, but is not on the class path. %s%s"
                            .formatted(
                                    id,
                                    source(),
                                    Suggestions.didYouMean(
                                            id, catalog.backendProviders().keySet()),
                                    report()));
        }
        if (catalog.probe(provider) instanceof Availability.Unavailable unavailable) {
            throw new BackpackException(
                    CommonProblems.BACKEND_UNAVAILABLE,
                    "Backend '%s' was asked for%s, but is unavailable: %s %s %s"
                            .formatted(id, source(), unavailable.reason(), unavailable.remedy(), report()));
        }
        return provider;
    }

    private String source() {
        return settings.backendSource().map(" with "::concat).orElse("");
    }

    private BackendProvider best() {
        List<BackendProvider> available = catalog.backendProviders().values().stream()
                .filter(provider -> catalog.probe(provider) instanceof Availability.Available)
                .sorted(Comparator.comparingInt(BackendProvider::priority).reversed())
                .toList();
        if (available.isEmpty()) {
            throw new BackpackException(CommonProblems.BACKEND_UNAVAILABLE, "No backend is available. " + report());
        }
        if (available.size() > 1
                && available.get(0).priority() == available.get(1).priority()) {
            throw new BackpackException(
                    KernelProblems.AMBIGUOUS_BACKEND,
                    "Backends '%s' and '%s' have the same priority. Pick one with -Dbackpack.backend=<id>."
                            .formatted(available.get(0).id(), available.get(1).id()));
        }
        return available.get(0);
    }

    private String report() {
        if (catalog.backendProviders().isEmpty()) {
            return "No backends are on the class path: add a jar such as backpack4j-backend-cpu.";
        }
        return catalog.backendProviders().values().stream()
                .map(provider -> provider.id() + " (" + state(catalog.probe(provider)) + ")")
                .collect(Collectors.joining(", ", "Backends: ", "."));
    }

    private static String state(Availability availability) {
        return availability instanceof Availability.Unavailable unavailable
                ? "unavailable: " + unavailable.reason()
                : "available";
    }
}
