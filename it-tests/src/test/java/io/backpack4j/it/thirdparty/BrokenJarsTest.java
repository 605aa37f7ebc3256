// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.kernel.PluginInfo;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jars that are wrong: each gives one report that names it, and the others stay usable. */
class BrokenJarsTest {

    private static final String IDENTITY = """
            @Override
            public List<ModuleProvider> modules() {
                return List.of(ModuleProvider.of("%s", arguments -> null));
            }
            """;

    @TempDir
    Path folder;

    private Path plugins;

    @BeforeEach
    void makeFolder() throws IOException {
        plugins = Files.createDirectory(folder.resolve("plugins"));
    }

    private void assertReport(String expected) throws IOException {
        try (URLClassLoader loader = ExternalJars.loader(plugins)) {
            BackpackException failure = catchThrowableOfType(
                    BackpackException.class,
                    () -> BackPack.builder().classLoader(loader).build());
            assertThat(failure).as("a report").isNotNull();
            assertThat(normalised(failure.getMessage())).isEqualTo(expected);
        }
    }

    private String normalised(String message) {
        return message.replace(plugins.toString(), "DIR").replace('\\', '/');
    }

    /** The rest works, and what was left out is told. */
    private void assertRestIsUsable(Map<String, String> properties, int issues, String... ids) throws IOException {
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack = BackPack.builder()
                        .classLoader(loader)
                        .backend("cpu")
                        .properties(properties)
                        .build()) {
            assertThat(backpack.catalog().plugins())
                    .extracting(PluginInfo::id)
                    .contains("modules-linear")
                    .containsAll(List.of(ids));
            assertThat(backpack.catalog().issues()).hasSize(issues);
            run(backpack, new Linear(3, 2));
        }
    }

    private static void run(BackPack backpack, Module module) {
        Graph graph = Graph.builder().add("0", module).build();
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(3));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(1, 3), new double[] {1, 2, 3})
                        .targets(Shape.of(1, 2), new double[] {3, 4})
                        .build()) {
            Parameters parameters = model.parameters();
            for (String name : parameters.names()) {
                parameters.set(
                        name, new double[(int) parameters.spec(name).shape().elements()]);
            }
            try (Results results = backpack.compute(model, batch)) {
                assertThat(results.loss()).isEqualTo(12.5);
            }
        }
    }

    private static final Map<String, String> SKIP = Map.of("backpack.plugins.broken", "skip");

    private static Map<String, String> without(String type) {
        return Map.of("backpack.plugins.exclude", type);
    }

    @Test
    void two_jars_provide_the_same_name() throws IOException {
        ExternalJars.acme(plugins);
        ExternalJars.plugin(plugins.resolve("copycat.jar"), "Copycat", IDENTITY.formatted("Gain"));
        assertReport("[DuplicateName] Module 'Gain' is provided twice: by org.acme.backpack.AcmePlugin"
                + " (DIR/acme-plugin-1.0.jar) and by org.acme.Copycat (DIR/copycat.jar). Remove one jar, or leave a"
                + " plugin out with -Dbackpack.plugins.exclude=<class>.");
        assertRestIsUsable(SKIP, 1, "acme");
        assertRestIsUsable(without("org.acme.backpack.AcmePlugin"), 0, "copycat");
    }

    @Test
    void two_versions_of_one_jar() throws IOException {
        ExternalJars.acme(plugins, "acme-plugin-1.0.jar");
        ExternalJars.acme(plugins, "acme-plugin-1.1.jar");
        assertReport("[DuplicatePlugin] Plugin org.acme.backpack.AcmePlugin is on the class path more than once:"
                + " DIR/acme-plugin-1.0.jar, DIR/acme-plugin-1.1.jar. Remove all but one.");
        assertRestIsUsable(SKIP, 1, "acme");
    }

    @Test
    void a_jar_compiled_against_newer_contracts() throws IOException {
        Path newer = Files.createDirectory(folder.resolve("newer"));
        Path source = newer.resolve("SpiVersion.java");
        Files.writeString(
                source,
                "package io.backpack4j.spi; public final class SpiVersion { public static final int MAJOR = %d; }"
                        .formatted(SpiVersion.MAJOR + 1));
        ExternalJars.compile(List.of(source), newer, List.of());
        ExternalJars.plugin(plugins.resolve("future.jar"), "Future", IDENTITY.formatted("Later"), newer);
        assertReport("[IncompatiblePlugin] Plugin 'future' 2.1 (DIR/future.jar) was compiled against version %d of the"
                        .formatted(SpiVersion.MAJOR + 1)
                + " contracts; this kernel has version %d. Use a version of the plugin made for it, or another kernel."
                        .formatted(SpiVersion.MAJOR));
        assertRestIsUsable(SKIP, 1);
        assertRestIsUsable(without("org.acme.Future"), 0);
    }

    @Test
    void a_provider_that_throws() throws IOException {
        ExternalJars.acme(plugins);
        ExternalJars.plugin(
                plugins.resolve("thrower.jar"),
                "Thrower",
                "public Thrower() { throw new IllegalStateException(\"no licence\"); }");
        assertReport(
                "[BrokenPlugin] Plugin org.acme.Thrower (DIR/thrower.jar) failed to load: IllegalStateException: no"
                        + " licence. Remove or replace the jar, or leave the plugin out with"
                        + " -Dbackpack.plugins.exclude=org.acme.Thrower.");
        assertRestIsUsable(SKIP, 1, "acme");
        assertRestIsUsable(without("org.acme.Thrower"), 0, "acme");
    }

    @Test
    void a_class_that_is_missing() throws IOException {
        ExternalJars.acme(plugins);
        Path library = Files.createDirectory(folder.resolve("library"));
        Path source = library.resolve("Helper.java");
        Files.writeString(
                source, "package org.acme.library; public final class Helper { public static void help() {} }");
        ExternalJars.compile(List.of(source), library, List.of());
        ExternalJars.plugin(
                plugins.resolve("lonely.jar"),
                "Lonely",
                "public Lonely() { org.acme.library.Helper.help(); }",
                library);
        assertReport("[BrokenPlugin] Plugin org.acme.Lonely (DIR/lonely.jar) failed to load: ClassNotFoundException:"
                + " org.acme.library.Helper. Remove or replace the jar, or leave the plugin out with"
                + " -Dbackpack.plugins.exclude=org.acme.Lonely.");
        assertRestIsUsable(SKIP, 1, "acme");
        assertRestIsUsable(without("org.acme.Lonely"), 0, "acme");
    }

    @Test
    void a_services_file_that_names_nothing() throws IOException {
        ExternalJars.jar(
                plugins.resolve("hollow.jar"),
                Map.of("META-INF/services/io.backpack4j.spi.Plugin", "org.acme.Nowhere"),
                List.of());
        assertReport("[BrokenPlugin] A plugin could not be loaded: ServiceConfigurationError:"
                + " io.backpack4j.spi.Plugin: Provider org.acme.Nowhere not found. Its name is in"
                + " DIR/hollow.jar.");
        assertRestIsUsable(SKIP, 1);
    }

    @Test
    void a_module_that_claims_a_wrong_shape() throws IOException {
        ExternalJars.plugin(plugins.resolve("liar.jar"), "Liar", """
                public record Shortened() implements Module {
                    @Override
                    public ModuleDeclaration declare(List<Shape> inputs) {
                        return ModuleDeclaration.output(Shape.of(inputs.get(0).size(0) - 1));
                    }

                    @Override
                    public Evaluation evaluate(
                            EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
                        Tensor output = inputs.get(0);
                        return new Evaluation() {
                            @Override
                            public Tensor output() {
                                return output;
                            }

                            @Override
                            public Pullback pullback(EvaluationContext back, Tensor cotangents) {
                                return index -> cotangents;
                            }
                        };
                    }
                }

                @Override
                public List<ModuleProvider> modules() {
                    return List.of(ModuleProvider.of("Shortened", arguments -> new Shortened()));
                }
                """);
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack =
                        BackPack.builder().classLoader(loader).backend("cpu").build()) {
            Module liar = backpack.catalog().module("node '0' (Shortened)", "Shortened", Map.of());
            BackpackException failure = catchThrowableOfType(BackpackException.class, () -> run(backpack, liar));
            assertThat(normalised(failure.getMessage()))
                    .isEqualTo(
                            "[PluginFailure] Node '0' (Shortened) returned its output of shape [1, 3] and type FLOAT64,"
                                    + " but [1, 2] and FLOAT64 were expected. This is an error of the plugin that provides it,"
                                    + " DIR/liar.jar.");
            run(backpack, new Linear(3, 2));
            assertThat(backpack.backend().memory().openTensors()).isZero();
        }
    }

    /** A module, a loss and an extension that throw in a pass. */
    private static final String BOMBS = """
            public record Bomb(boolean forward) implements Module {
                @Override
                public ModuleDeclaration declare(List<Shape> inputs) {
                    return ModuleDeclaration.output(Shape.of(2))
                            .parameter(ParameterSpec.parameter("p", Shape.of(2), new Initializer.Constant(1)));
                }

                @Override
                public Evaluation evaluate(
                        EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
                    if (forward) {
                        throw new IllegalStateException("out of luck");
                    }
                    Tensor output = context.scope().allocate(Shape.of(inputs.get(0).shape().size(0), 2), inputs.get(0).dtype());
                    return new Evaluation() {
                        @Override
                        public Tensor output() {
                            return output;
                        }

                        @Override
                        public Pullback pullback(EvaluationContext back, Tensor cotangents) {
                            throw new NoSuchMethodError("lost()");
                        }
                    };
                }
            }

            public record BombLoss() implements io.backpack4j.spi.loss.Loss {
                @Override
                public void validate(Shape output, Shape targets, DType targetType) {}

                @Override
                public double normaliser(Shape output, Tensor targets) {
                    return 1;
                }

                @Override
                public io.backpack4j.spi.loss.LossEvaluation evaluate(
                        EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
                    throw new IndexOutOfBoundsException("no class 7");
                }
            }

            public record BombExtension() implements io.backpack4j.spi.extension.TensorExtension {
                @Override
                public String resultName() {
                    return "bomb";
                }

                @Override
                public void declare(int stage, io.backpack4j.spi.extension.SiteDeclaration site) {
                    site.accumulate("sum", new io.backpack4j.spi.extension.LossGradient(), new Contraction.Sum());
                }

                @Override
                public Tensor finish(io.backpack4j.spi.extension.SitePartial partial) {
                    throw new ArithmeticException("over");
                }
            }

            @Override
            public List<ModuleProvider> modules() {
                return List.of(ModuleProvider.of("Bomb", arguments -> new Bomb(arguments.flag("forward", true))));
            }

            @Override
            public List<io.backpack4j.spi.loss.LossProvider> losses() {
                return List.of(io.backpack4j.spi.loss.LossProvider.of("BombLoss", arguments -> new BombLoss()));
            }

            @Override
            public List<io.backpack4j.spi.extension.ExtensionProvider> extensions() {
                return List.of(io.backpack4j.spi.extension.ExtensionProvider.of(
                        "BombExtension", options -> new BombExtension()));
            }
            """;

    private void assertPassFails(
            BackPack backpack, Module module, Loss loss, List<Extension<?>> extensions, String expected) {
        Graph graph = Graph.builder().add("0", module).build();
        try (Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(3));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(1, 3), new double[] {1, 2, 3})
                        .targets(Shape.of(1, 2), new double[] {3, 4})
                        .build()) {
            BackpackException failure = catchThrowableOfType(
                    BackpackException.class,
                    () -> backpack.compute(model, batch, extensions.toArray(Extension<?>[]::new)));
            assertThat(failure).as("a report").isNotNull();
            assertThat(failure.getCause()).as("what was thrown").isNotNull();
            assertThat(normalised(failure.getMessage())).isEqualTo(expected);
        }
        assertThat(backpack.backend().memory().openTensors()).isZero();
    }

    @Test
    void parts_that_throw_in_a_pass() throws IOException {
        ExternalJars.plugin(plugins.resolve("bombs.jar"), "Bombs", BOMBS);
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack =
                        BackPack.builder().classLoader(loader).backend("cpu").build()) {
            Catalog catalog = backpack.catalog();
            assertPassFails(
                    backpack,
                    catalog.module("a test", "Bomb", Map.of("forward", true)),
                    new MSELoss(),
                    List.of(),
                    "[PluginFailure] Node '0' (Bomb) failed in its forward pass: java.lang.IllegalStateException: out of luck."
                            + " This is an error of the plugin that provides it, DIR/bombs.jar.");
            assertPassFails(
                    backpack,
                    catalog.module("a test", "Bomb", Map.of("forward", false)),
                    new MSELoss(),
                    List.of(),
                    "[PluginFailure] Node '0' (Bomb) failed in its backward pass: java.lang.NoSuchMethodError: lost()."
                            + " This is an error of the plugin that provides it, DIR/bombs.jar.");
            assertPassFails(
                    backpack,
                    new Linear(3, 2),
                    catalog.loss(new LossDescription("BombLoss", Map.of())),
                    List.of(),
                    "[PluginFailure] Loss BombLoss failed in its evaluation: java.lang.IndexOutOfBoundsException: no class 7."
                            + " This is an error of the plugin that provides it, DIR/bombs.jar.");
            assertPassFails(
                    backpack,
                    new Linear(3, 2),
                    new MSELoss(),
                    List.of(catalog.extension("BombExtension", Map.of())),
                    "[PluginFailure] Extension BombExtension failed when it finished '0.weight': java.lang.ArithmeticException: over."
                            + " This is an error of the plugin that provides it, DIR/bombs.jar.");
            run(backpack, new Linear(3, 2));
        }
    }

    @Test
    void a_jar_that_cannot_be_read() throws IOException {
        Path whole = ExternalJars.acme(plugins);
        byte[] bytes = Files.readAllBytes(whole);
        Files.write(plugins.resolve("cut.jar"), java.util.Arrays.copyOf(bytes, bytes.length / 2));
        Files.write(plugins.resolve("empty.jar"), new byte[0]);
        assertReport(
                "1) [BrokenJar] Jar DIR/cut.jar cannot be read: zip END header not found. Copy or download it again, or"
                        + " remove it.\n2) [BrokenJar] Jar DIR/empty.jar cannot be read: zip file is empty. Copy or download it"
                        + " again, or remove it.\n2 problems.");
        assertRestIsUsable(SKIP, 2, "acme");
    }

    @Test
    void a_jar_without_a_plugin() throws IOException {
        ExternalJars.acme(plugins);
        ExternalJars.jar(plugins.resolve("hollow.jar"), Map.of("readme.txt", "Nothing."), List.of());
        ExternalJars.jar(
                plugins.resolve("unlisted.jar"),
                Map.of("META-INF/services/io.backpack4j.spi.Plugin", "# to be done\n"),
                List.of());
        Map<String, String> path = Map.of("backpack.plugins.path", plugins.toString());
        assertRestIsUsable(path, 2, "acme");
        assertRestIsUsable(Map.of(), 0, "acme");
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack =
                        BackPack.builder().classLoader(loader).properties(path).build()) {
            String told = "Jar DIR/hollow.jar is among the plugins, but holds none: it lists no class in"
                    + " META-INF/services/io.backpack4j.spi.Plugin. If it is a library that a plugin needs, all is well;"
                    + " otherwise list the plugin there, with @AutoService, and build it again.";
            assertThat(normalised(backpack.catalog().issues().get(0).toString()))
                    .isEqualTo("[NoPlugin] " + told);
            BackpackException failure = catchThrowableOfType(
                    BackpackException.class, () -> backpack.catalog().module("node '0'", "Hollow", Map.of()));
            assertThat(normalised(failure.getMessage())).contains("Left out: " + told);
        }
    }

    private Path helper() throws IOException {
        Path library = Files.createDirectory(folder.resolve("library"));
        Path source = library.resolve("Helper.java");
        Files.writeString(
                source, "package org.acme.library; public final class Helper { public static void help() {} }");
        ExternalJars.compile(List.of(source), library, List.of());
        return library;
    }

    private static final String LATE = """
            public record Late() implements Module {
                @Override
                public ModuleDeclaration declare(List<Shape> inputs) {
                    return ModuleDeclaration.output(Shape.of(2))
                            .parameter(ParameterSpec.parameter("p", Shape.of(2), new Initializer.Constant(1)));
                }

                @Override
                public Evaluation evaluate(
                        EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
                    org.acme.library.Helper.help();
                    return null;
                }
            }

            @Override
            public List<ModuleProvider> modules() {
                return List.of(
                        ModuleProvider.of("Late", arguments -> new Late()),
                        ModuleProvider.of("Never", arguments -> {
                            org.acme.library.Helper.help();
                            return null;
                        }),
                        ModuleProvider.of("Nothing", arguments -> null),
                        ModuleProvider.of("Odd", arguments -> {
                            throw new ArithmeticException("odd");
                        }));
            }

            @Override
            public List<io.backpack4j.spi.backend.BackendProvider> backends() {
                return List.of(new io.backpack4j.spi.backend.BackendProvider() {
                    @Override
                    public String id() {
                        return "lame";
                    }

                    @Override
                    public int priority() {
                        return -1;
                    }

                    @Override
                    public io.backpack4j.spi.backend.Availability probe() {
                        if (Boolean.getBoolean("backpack.lame.probe")) {
                            org.acme.library.Helper.help();
                        }
                        return new io.backpack4j.spi.backend.Availability.Available("as it says");
                    }

                    @Override
                    public io.backpack4j.spi.backend.Backend open(
                            io.backpack4j.spi.backend.BackendConfiguration configuration) {
                        org.acme.library.Helper.help();
                        return null;
                    }
                });
            }
            """;

    @Test
    void a_class_that_is_missing_at_first_use() throws IOException {
        ExternalJars.plugin(plugins.resolve("tardy.jar"), "Tardy", LATE, helper());
        String missing =
                "the class org.acme.library.Helper is missing. The plugin that needs it is DIR/tardy.jar: put the"
                        + " jar that has the class on the class path too, or replace the plugin's.";
        String error = " This is an error of the plugin that provides it, DIR/tardy.jar.";
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack =
                        BackPack.builder().classLoader(loader).backend("cpu").build()) {
            assertPassFails(
                    backpack,
                    backpack.catalog().module("node '0' (Late)", "Late", Map.of()),
                    new MSELoss(),
                    List.of(),
                    "[PluginFailure] Node '0' (Late) failed in its forward pass: " + missing);
            assertNotMade(backpack, "Never", missing);
            assertNotMade(backpack, "Nothing", "nothing came back." + error);
            assertNotMade(backpack, "Odd", "java.lang.ArithmeticException: odd." + error);
        }
        try (URLClassLoader loader = ExternalJars.loader(plugins);
                BackPack backpack =
                        BackPack.builder().classLoader(loader).backend("lame").build()) {
            BackpackException failure = catchThrowableOfType(BackpackException.class, backpack::backend);
            assertThat(normalised(failure.getMessage()))
                    .isEqualTo("[PluginFailure] Backend 'lame' failed to open: " + missing);
        }
    }

    private void assertNotMade(BackPack backpack, String type, String expected) {
        BackpackException failure = catchThrowableOfType(
                BackpackException.class, () -> backpack.catalog().module("node '0' (" + type + ")", type, Map.of()));
        assertThat(failure).as("a report").isNotNull();
        assertThat(normalised(failure.getMessage()))
                .isEqualTo("[PluginFailure] Node '0' (%s) could not be made: %s".formatted(type, expected));
    }

    @Test
    void a_service_whose_room_is_missing() throws IOException {
        ExternalJars.acme(plugins);
        Path room = Files.createDirectory(folder.resolve("room"));
        Path source = room.resolve("Painter.java");
        Files.writeString(source, """
                package org.acme.room;
                public interface Painter extends io.backpack4j.spi.NamedService {
                    default String kind() { return "painter"; }
                }
                """);
        ExternalJars.compile(List.of(source), room, List.of());
        String members = """
                @Override
                public List<NamedService> services() {
                    return List.of(new Oils());
                }

                public static final class Oils implements org.acme.room.Painter {
                    @Override
                    public String name() {
                        return "oils";
                    }
                }
                """;
        ExternalJars.plugin(plugins.resolve("artist.jar"), "Artist", members, room);
        assertReport("[BrokenPlugin] Plugin org.acme.Artist (DIR/artist.jar) failed to load: ClassNotFoundException:"
                + " org.acme.room.Painter. Remove or replace the jar, or leave the plugin out with"
                + " -Dbackpack.plugins.exclude=org.acme.Artist.");
        assertRestIsUsable(SKIP, 1, "acme");
    }
}
