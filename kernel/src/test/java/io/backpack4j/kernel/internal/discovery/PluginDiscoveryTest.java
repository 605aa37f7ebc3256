// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.backpack4j.kernel.PluginInfo;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Plugin;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PluginDiscoveryTest {

    @TempDir
    Path folder;

    private KernelSettings settings(Map<String, String> properties, String... classNames) {
        Properties all = new Properties();
        all.putAll(properties);
        return KernelSettings.of(
                Optional.empty(),
                Optional.empty(),
                OptionalInt.of(3),
                Optional.of(new ServicesLoader(folder, classNames)),
                all);
    }

    private PluginCatalog discover(Map<String, String> properties, String... classNames) {
        return new PluginDiscovery(settings(properties, classNames)).discover();
    }

    @SafeVarargs
    private PluginCatalog discover(Class<? extends Plugin>... plugins) {
        return discover(Map.of(), names(plugins));
    }

    @SafeVarargs
    private static String[] names(Class<? extends Plugin>... plugins) {
        String[] names = new String[plugins.length];
        for (int i = 0; i < names.length; i++) {
            names[i] = plugins[i].getName();
        }
        return names;
    }

    @Test
    void plugins_are_sorted_by_id_whatever_the_class_path_says() {
        var one = discover(StubPlugins.Zebra.class, StubPlugins.Antelope.class);
        var other = discover(StubPlugins.Antelope.class, StubPlugins.Zebra.class);
        assertThat(one.plugins()).extracting(PluginInfo::id).containsExactly("antelope", "zebra");
        assertThat(other.plugins()).isEqualTo(one.plugins());
        assertThat(one.moduleTypes()).containsExactly("Ant", "Stub");
        assertThat(one.plugins().get(0).location()).contains("test-classes");
    }

    @Test
    void a_name_provided_twice_is_an_error_that_names_both() {
        assertThatThrownBy(() -> discover(StubPlugins.Zebra.class, StubPlugins.Copycat.class))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[DuplicateName] Module 'Stub' is provided twice: by ")
                .hasMessageContaining(StubPlugins.Zebra.class.getName())
                .hasMessageContaining(StubPlugins.Copycat.class.getName())
                .hasMessageContaining("-Dbackpack.plugins.exclude");
    }

    @Test
    void all_problems_are_reported_together() {
        assertThatThrownBy(() -> discover(
                        Map.of(),
                        StubPlugins.FromTheFuture.class.getName(),
                        StubPlugins.Thrower.class.getName(),
                        "org.acme.Nowhere",
                        StubPlugins.Incomplete.class.getName(),
                        StubPlugins.Zebra.class.getName()))
                .isInstanceOfSatisfying(BackpackException.class, e -> {
                    assertThat(e.problems())
                            .extracting(problem -> problem.id().name())
                            .containsExactlyInAnyOrder(
                                    "IncompatiblePlugin", "BrokenPlugin", "BrokenPlugin", "BrokenPlugin");
                    assertThat(e)
                            .hasMessageContaining("'future' 9.0")
                            .hasMessageContaining("no such luck")
                            .hasMessageContaining("org.acme.Nowhere")
                            .hasMessageContaining("org/acme/Missing")
                            .hasMessageEndingWith("4 problems.");
                });
    }

    @Test
    void broken_plugins_can_be_skipped_or_left_out() {
        String[] names = names(StubPlugins.Thrower.class, StubPlugins.Zebra.class);
        var skipped = discover(Map.of("backpack.plugins.broken", "skip"), names);
        assertThat(skipped.plugins()).extracting(PluginInfo::id).containsExactly("zebra");
        assertThat(skipped.issues()).hasSize(1);
        var excluded = discover(Map.of("backpack.plugins.exclude", StubPlugins.Thrower.class.getName()), names);
        assertThat(excluded.plugins()).extracting(PluginInfo::id).containsExactly("zebra");
        assertThat(excluded.issues()).isEmpty();
    }

    @Test
    void an_unknown_name_is_answered_with_what_there_is() {
        var catalog = discover(StubPlugins.Zebra.class, StubPlugins.Antelope.class);
        assertThatThrownBy(() -> catalog.module("node '1'", "Stab", Map.of()))
                .hasMessage(
                        "[UnknownModule] Node '1' has the type 'Stab', which is not available. Did you mean 'Stub'? Available: Ant, Stub. A jar that provides it must be on the class path.");
        assertThatThrownBy(() -> catalog.extension("Xyz", Map.of()))
                .hasMessageStartingWith("[UnknownExtension] Extension 'Xyz' is not available. Available: Thing.");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            It is Monday.                  | Node '1' (Fussy): It is Monday.
            Argument 'a' of Fussy is wrong. | Argument 'a' of node '1' (Fussy) is wrong.
            Fussy has no time.             | Node '1' (Fussy) has no time.
            Node '1' is not for me.        | Node '1' is not for me.
            Fussier is something else.     | Node '1' (Fussy): Fussier is something else.
            """)
    void what_a_constructor_reports_names_the_node_once(String said, String reported) {
        var catalog = discover(StubPlugins.Complainer.class);
        assertThatThrownBy(() -> catalog.module("node '1' (Fussy)", "Fussy", Map.of("say", List.of(said))))
                .hasMessage("[InvalidArgument] " + reported);
    }

    @Test
    void services_of_kinds_unknown_here_are_found_by_kind_and_name() {
        var catalog = discover(StubPlugins.Gallery.class, StubPlugins.Zebra.class);
        assertThat(catalog.services(StubPlugins.Painter.class))
                .extracting(StubPlugins.Painter::name, StubPlugins.Painter::brush)
                .containsExactly(tuple("Chalk", "none"), tuple("Oils", "thick"));
        assertThat(catalog.service(StubPlugins.Frame.class, "Oils")).isEqualTo(new StubPlugins.Frame("Oils"));
        assertThat(catalog.plugins().get(0).services())
                .isEqualTo(Map.of("frame", List.of("Oils"), "painter", List.of("Chalk", "Oils")));
        assertThatThrownBy(() -> catalog.service(StubPlugins.Painter.class, "Oil"))
                .hasMessage(
                        "[UnknownService] Painter 'Oil' is not available. Did you mean 'Oils'? Available: Chalk, Oils. A jar that provides it must be on the class path.");
        assertThatThrownBy(() -> discover(StubPlugins.Zebra.class).service(StubPlugins.Painter.class, "Oils"))
                .hasMessage(
                        "[UnknownService] Painter 'Oils' is not available. Available: none. A jar that provides it must be on the class path.");
    }

    @Test
    void services_are_reported_as_modules_are() {
        assertThatThrownBy(() -> discover(StubPlugins.Gallery.class, StubPlugins.Forger.class))
                .hasMessageStartingWith("[DuplicateName] Painter 'Oils' is provided twice: by "
                        + StubPlugins.Forger.class.getName() + " (")
                .hasMessageContaining(StubPlugins.Gallery.class.getName());
        assertThatThrownBy(() -> discover(StubPlugins.Nameless.class))
                .hasMessageStartingWith("[BrokenPlugin] Plugin " + StubPlugins.Nameless.class.getName() + " (")
                .hasMessageContaining("it provides a frame without a name");
    }

    private void open(Map<String, String> properties, String... classNames) {
        KernelSettings settings = settings(properties, classNames);
        new BackendSelector(settings, new PluginDiscovery(settings).discover()).open();
    }

    @Test
    void the_best_available_backend_is_opened_unless_one_is_asked_for() {
        String[] names = names(StubPlugins.Antelope.class);
        assertThatThrownBy(() -> open(Map.of(), names)).hasMessageContaining("opened slow with 3 threads");
        assertThatThrownBy(() -> open(Map.of("backpack.backend", "slow"), names))
                .hasMessageContaining("opened slow with 3 threads");
    }

    @Test
    void an_unavailable_backend_is_an_error_with_every_probe() {
        assertThatThrownBy(() -> open(Map.of("backpack.backend", "broken"), names(StubPlugins.Antelope.class)))
                .hasMessage(
                        "[BackendUnavailable] Backend 'broken' was asked for with -Dbackpack.backend=broken, but is unavailable: No device. Buy one. Backends: broken (unavailable: No device.), slow (available).");
        assertThatThrownBy(() -> open(Map.of("backpack.backend", "slov"), names(StubPlugins.Antelope.class)))
                .hasMessageContaining("Did you mean 'slow'?");
        assertThatThrownBy(() -> open(Map.of(), names(StubPlugins.Zebra.class)))
                .hasMessageContaining("No backends are on the class path");
    }

    @Test
    void equal_priorities_are_an_error() {
        assertThatThrownBy(() -> open(Map.of(), names(StubPlugins.Antelope.class, StubPlugins.Twin.class)))
                .hasMessageStartingWith("[AmbiguousBackend] Backends 'slow' and 'twin'");
    }

    @Test
    void settings_are_checked() {
        Properties properties = new Properties();
        properties.put("backpack.threads", "many");
        assertThatThrownBy(() -> KernelSettings.of(
                        Optional.empty(), Optional.empty(), OptionalInt.empty(), Optional.empty(), properties))
                .hasMessage("[InvalidOption] -Dbackpack.threads is 'many', but must be a positive whole number.");
        properties.put("backpack.threads", "2");
        properties.put("backpack.cpu.kernels", "nd4j");
        var settings = KernelSettings.of(
                Optional.empty(), Optional.empty(), OptionalInt.empty(), Optional.empty(), properties);
        assertThat(settings.threads()).isEqualTo(2);
        assertThat(settings.backendProperties("cpu")).isEqualTo(Map.of("kernels", "nd4j"));
        assertThat(settings.excludedPlugins()).isEqualTo(List.of());
    }
}
