// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.BackendInfo;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PluginInfo;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.calls.MissingClass;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.Suggestions;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.BackendProvider;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.ExtensionDescription;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The catalogue of what plugins provide. */
public final class PluginCatalog implements Catalog {

    private final List<PluginInfo> plugins;
    private final List<Problem> issues;
    private final SortedMap<String, ModuleProvider> modules = new TreeMap<>();
    private final List<Fusion> fusions = new ArrayList<>();
    private final SortedMap<String, LossProvider> losses = new TreeMap<>();
    private final SortedMap<String, ExtensionProvider> extensions = new TreeMap<>();
    private final SortedMap<String, BackendProvider> backends = new TreeMap<>();
    private final Map<String, String> backendLocations = new LinkedHashMap<>();
    private final List<NamedService> services = new ArrayList<>();
    private final Map<Object, String> locations = new IdentityHashMap<>();

    PluginCatalog(List<LoadedPlugin> loaded, List<Problem> issues) {
        this.issues = List.copyOf(issues);
        List<PluginInfo> infos = new ArrayList<>();
        for (LoadedPlugin plugin : loaded) {
            plugin.modules().forEach(provider -> modules.put(provider.type(), provider));
            fusions.addAll(plugin.fusions());
            plugin.losses().forEach(provider -> losses.put(provider.type(), provider));
            plugin.extensions().forEach(provider -> extensions.put(provider.type(), provider));
            plugin.backends().forEach(provider -> {
                backends.put(provider.id(), provider);
                backendLocations.put(provider.id(), plugin.location());
            });
            services.addAll(plugin.services());
            Stream.of(plugin.modules(), plugin.losses(), plugin.extensions())
                    .flatMap(List::stream)
                    .forEach(provider -> locations.put(provider, plugin.location()));
            infos.add(new PluginInfo(
                    plugin.descriptor().id(),
                    plugin.descriptor().version(),
                    plugin.location(),
                    sorted(plugin.modules(), ModuleProvider::type),
                    sorted(plugin.losses(), LossProvider::type),
                    sorted(plugin.extensions(), ExtensionProvider::type),
                    sorted(plugin.backends(), BackendProvider::id),
                    byKind(plugin.services())));
        }
        services.sort(Comparator.comparing(NamedService::name));
        this.plugins = List.copyOf(infos);
    }

    private static Map<String, List<String>> byKind(List<NamedService> services) {
        SortedMap<String, List<String>> names = new TreeMap<>();
        services.stream()
                .sorted(Comparator.comparing(NamedService::name))
                .forEach(service -> names.computeIfAbsent(service.kind(), absent -> new ArrayList<>())
                        .add(service.name()));
        names.replaceAll((kind, all) -> List.copyOf(all));
        return Collections.unmodifiableSortedMap(names);
    }

    private static <T> List<String> sorted(List<T> providers, Function<T, String> name) {
        return providers.stream().map(name).sorted().toList();
    }

    @Override
    public List<PluginInfo> plugins() {
        return plugins;
    }

    @Override
    public List<Problem> issues() {
        return issues;
    }

    @Override
    public List<BackendInfo> backends() {
        List<BackendInfo> infos = new ArrayList<>();
        backends.forEach((id, provider) -> infos.add(new BackendInfo(
                id,
                provider.priority(),
                probe(provider),
                Optional.ofNullable(backendLocations.get(id)).orElse(""))));
        return infos;
    }

    /** Modules that replace chains of others. */
    public List<Fusion> fusions() {
        return List.copyOf(fusions);
    }

    Map<String, BackendProvider> backendProviders() {
        return backends;
    }

    /** Whether a backend can be opened; one that cannot even say so cannot. */
    Availability probe(BackendProvider provider) {
        try {
            return provider.probe();
        } catch (RuntimeException | LinkageError e) {
            return new Availability.Unavailable(
                    "It failed to look for what it needs: " + MissingClass.describe(e, location(provider)),
                    "Remove or replace its jar.");
        }
    }

    /** Location of a backend's plugin. */
    String location(BackendProvider provider) {
        return Optional.ofNullable(backendLocations.get(provider.id())).orElse("");
    }

    @Override
    public List<String> moduleTypes() {
        return List.copyOf(modules.keySet());
    }

    @Override
    public List<String> lossTypes() {
        return List.copyOf(losses.keySet());
    }

    @Override
    public List<String> extensionTypes() {
        return List.copyOf(extensions.keySet());
    }

    @Override
    public <S extends NamedService> List<S> services(Class<S> kind) {
        return services.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    @Override
    public <S extends NamedService> S service(Class<S> kind, String name) {
        List<S> possible = services(kind);
        return possible.stream()
                .filter(service -> service.name().equals(name))
                .findFirst()
                .orElseThrow(() -> {
                    String word = possible.isEmpty()
                            ? kind.getSimpleName()
                            : capitalised(possible.get(0).kind());
                    return unknown(
                            KernelProblems.UNKNOWN_SERVICE,
                            "%s '%s'".formatted(word, name),
                            name,
                            possible.stream().map(NamedService::name).toList());
                });
    }

    @Override
    public Module module(String owner, String type, Map<String, ? extends @Nullable Object> arguments) {
        ModuleProvider provider = modules.get(type);
        if (provider == null) {
            String subject = capitalised(withoutType(owner, type)) + " has the type '" + type + "', which";
            throw unknown(KernelProblems.UNKNOWN_MODULE, subject, type, modules.keySet());
        }
        return create(owner, type, arguments, NeutralArguments.OF_MODULES, place(provider), provider::create);
    }

    @Override
    public Loss loss(LossDescription description) {
        if (description.equals(LossDescription.NONE)) {
            throw new BackpackException(
                    KernelProblems.MISSING_LOSS,
                    "The model has no loss: it can predict, and nothing else. Give it one, such as CrossEntropyLoss with the reduction mean.");
        }
        LossProvider provider = losses.get(description.type());
        if (provider == null) {
            throw unknown(
                    KernelProblems.UNKNOWN_LOSS,
                    "Loss '" + description.type() + "'",
                    description.type(),
                    losses.keySet());
        }
        return create(
                "loss " + description.type(),
                description.type(),
                description.arguments(),
                NeutralArguments.OF_LOSSES,
                place(provider),
                provider::create);
    }

    @Override
    public Optional<ExtensionDescription> description(String extensionType) {
        ExtensionProvider provider = provider(extensionType);
        try {
            return provider.description();
        } catch (RuntimeException | LinkageError e) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "Extension %s could not be described: %s"
                            .formatted(extensionType, MissingClass.describe(e, place(provider))),
                    e);
        }
    }

    private ExtensionProvider provider(String type) {
        ExtensionProvider provider = extensions.get(type);
        if (provider == null) {
            throw unknown(KernelProblems.UNKNOWN_EXTENSION, "Extension '" + type + "'", type, extensions.keySet());
        }
        return provider;
    }

    @Override
    public Extension<?> extension(String type, Map<String, ? extends @Nullable Object> options) {
        ExtensionProvider provider = provider(type);
        return create("extension " + type, type, options, NeutralArguments.NONE, place(provider), provider::create);
    }

    @Override
    public Request<?> request(String type, Map<String, ? extends @Nullable Object> options) {
        Map<String, @Nullable Object> own = new LinkedHashMap<>(options);
        Object name = own.remove("as");
        Object parameters = own.remove("parameters");
        Request<?> request = Request.of(extension(type, own));
        if (name != null) {
            request = request.as(String.valueOf(name));
        }
        if (parameters instanceof List<?> patterns) {
            request = request.only(patterns.stream().map(String::valueOf).toArray(String[]::new));
        } else if (parameters != null) {
            request = request.only(String.valueOf(parameters));
        }
        return request;
    }

    @Override
    public Graph graph(ModelDescription description) {
        Problems problems = new Problems();
        Graph.Builder builder = Graph.builder().inputs(description.inputs().toArray(String[]::new));
        description.output().ifPresent(builder::output);
        for (NodeDescription node : description.nodes()) {
            problems.collect(() -> {
                String owner = "node '%s' (%s)".formatted(node.name(), node.type());
                Module module = module(owner, node.type(), node.arguments());
                builder.add(new Graph.Node(node.name(), module, node.inputs(), node.frozen(), node.ties()));
            });
        }
        // A graph that lacks nodes would report names as unknown that are not.
        problems.throwIfAny();
        Graph graph = builder.build();
        InPlaceNodes.check(graph, description.nodes());
        return graph;
    }

    private String place(Object provider) {
        return Optional.ofNullable(locations.get(provider)).orElse("");
    }

    private static <T> T create(
            String owner,
            String type,
            Map<String, ? extends @Nullable Object> given,
            NeutralArguments neutral,
            String location,
            Function<Arguments, @Nullable T> factory) {
        Arguments arguments = new Arguments(owner, given);
        Problems problems = new Problems();
        List<T> created = new ArrayList<>();
        try {
            created.add(made(owner, location, factory.apply(arguments)));
        } catch (BackpackException e) {
            e.problems().forEach(problem -> problems.add(problem.id(), named(owner, type, problem.message())));
        } catch (RuntimeException | LinkageError | StackOverflowError e) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "%s could not be made: %s".formatted(capitalised(owner), MissingClass.describe(e, location)),
                    e);
        }
        if (!created.isEmpty()) {
            neutral.take(arguments, given, problems);
            problems.collect(arguments::rejectUnknown);
        }
        problems.throwIfAny();
        return created.get(0);
    }

    private static <T> T made(String owner, String location, @Nullable T part) {
        if (part == null) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "%s could not be made: nothing came back. This is an error of the plugin that provides it, %s."
                            .formatted(capitalised(owner), location));
        }
        return part;
    }

    /** A message that says whom it is about: constructors know their type, but not their node. */
    private static String named(String owner, String type, String message) {
        if (message.contains(withoutType(owner, type)) || message.contains(capitalised(withoutType(owner, type)))) {
            return message;
        }
        if (message.startsWith(type + " ")) {
            return capitalised(owner) + message.substring(type.length());
        }
        String genitive = " of " + type + " ";
        int at = message.indexOf(genitive);
        return at < 0
                ? capitalised(owner) + ": " + message
                : message.substring(0, at) + " of " + owner + " " + message.substring(at + genitive.length());
    }

    private static String withoutType(String owner, String type) {
        String suffix = " (" + type + ")";
        return owner.endsWith(suffix) ? owner.substring(0, owner.length() - suffix.length()) : owner;
    }

    private static String capitalised(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    /** Names what was left out, because it may be what is missing. */
    private BackpackException unknown(ProblemId id, String subject, String name, Collection<String> possible) {
        StringBuilder message = new StringBuilder(
                "%s is not available. %sAvailable: %s. A jar that provides it must be on the class path."
                        .formatted(
                                subject,
                                Suggestions.didYouMean(name, possible),
                                possible.isEmpty() ? "none" : String.join(", ", possible)));
        issues.forEach(issue -> message.append(" Left out: ").append(issue.message()));
        return new BackpackException(id, message.toString());
    }
}
