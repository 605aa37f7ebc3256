// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;

/** Plugins that are found by tests: good ones, and one for every way to be bad. */
public final class StubPlugins {

    private StubPlugins() {}

    private static ModuleProvider module(String type) {
        return ModuleProvider.of(type, arguments -> {
            throw new IllegalStateException("not made in these tests");
        });
    }

    /** Provides the module {@code Stub}. */
    public static final class Zebra implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("zebra", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<ModuleProvider> modules() {
            return List.of(module("Stub"), module("Ant"));
        }
    }

    /** Provides the module {@code Fussy}, which refuses its arguments with the words of its argument {@code say}. */
    public static final class Complainer implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("complainer", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<ModuleProvider> modules() {
            return List.of(ModuleProvider.of("Fussy", arguments -> {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        String.valueOf(arguments.list("say").get(0)));
            }));
        }
    }

    /** Provides the extension {@code Thing} and two backends. */
    public static final class Antelope implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("antelope", "2.0", SpiVersion.MAJOR);
        }

        @Override
        public List<ExtensionProvider> extensions() {
            return List.of(ExtensionProvider.of("Thing", options -> {
                throw new IllegalStateException("not made in these tests");
            }));
        }

        @Override
        public List<BackendProvider> backends() {
            return List.of(
                    new StubBackend("slow", 1, new Availability.Available("a stub")),
                    new StubBackend("broken", 9, new Availability.Unavailable("No device.", "Buy one.")));
        }
    }

    /** Provides {@code Stub} too. */
    public static final class Copycat implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("copycat", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<ModuleProvider> modules() {
            return List.of(module("Stub"));
        }
    }

    /** Was compiled against another version of the contracts. */
    public static final class FromTheFuture implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("future", "9.0", SpiVersion.MAJOR + 1);
        }
    }

    /** Throws when it is made. */
    public static final class Thrower implements Plugin {
        public Thrower() {
            throw new IllegalArgumentException("no such luck");
        }

        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("thrower", "1.0", SpiVersion.MAJOR);
        }
    }

    /** Lacks a class that it needs. */
    public static final class Incomplete implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            throw new NoClassDefFoundError("org/acme/Missing");
        }
    }

    /** Provides a backend as good as {@link Antelope}'s. */
    public static final class Twin implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("twin", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<BackendProvider> backends() {
            return List.of(new StubBackend("twin", 1, new Availability.Available("a stub")));
        }
    }

    /** A kind of services that the contracts do not know. */
    public interface Painter extends NamedService {
        @Override
        default String kind() {
            return "painter";
        }

        /** What it paints with. */
        String brush();
    }

    /** Another kind. */
    public record Frame(String name) implements NamedService {
        @Override
        public String kind() {
            return "frame";
        }
    }

    private record OilPainter(String name, String brush) implements Painter {}

    /** Provides services of two kinds, one name in both. */
    public static final class Gallery implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("gallery", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<NamedService> services() {
            return List.of(new OilPainter("Oils", "thick"), new Frame("Oils"), new OilPainter("Chalk", "none"));
        }
    }

    /** Provides the painter {@code Oils} too. */
    public static final class Forger implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("forger", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<NamedService> services() {
            return List.of(new OilPainter("Oils", "thin"));
        }
    }

    /** Provides a service without a name. */
    public static final class Nameless implements Plugin {
        @Override
        public PluginDescriptor descriptor() {
            return new PluginDescriptor("nameless", "1.0", SpiVersion.MAJOR);
        }

        @Override
        public List<NamedService> services() {
            return List.of(new Frame(" "));
        }
    }

    private record StubBackend(String id, int priority, Availability availability) implements BackendProvider {
        @Override
        public Availability probe() {
            return availability;
        }

        @Override
        public Backend open(BackendConfiguration configuration) {
            throw new IllegalStateException("opened " + id + " with " + configuration.threads() + " threads");
        }
    }
}
