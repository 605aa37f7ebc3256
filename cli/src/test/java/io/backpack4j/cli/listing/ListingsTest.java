// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.listing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.kernel.BackendInfo;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.PluginInfo;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.backend.Availability;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the commands print that list things. */
class ListingsTest {

    private final StringWriter text = new StringWriter();
    private final PrintWriter out = new PrintWriter(text);
    private final Catalog catalog = mock(Catalog.class);

    @Test
    void plugins_come_with_what_they_provide() {
        List<String> many = IntStream.range(0, 20).mapToObj(i -> "Module" + i).toList();
        when(catalog.plugins())
                .thenReturn(List.of(
                        new PluginInfo("a", "1", "/x/a.jar", many, List.of("L"), List.of(), List.of(), Map.of()),
                        new PluginInfo(
                                "bb",
                                "development",
                                "/y/classes/",
                                List.of(),
                                List.of(),
                                List.of(),
                                List.of("cpu"),
                                Map.of("optimizer", List.of("Adam", "SGD")))));
        when(catalog.issues()).thenReturn(List.of(new Problem(CliProblems.BROKEN, "c.jar is broken.")));
        PluginsCommand.print(catalog, out);
        assertThat(lines())
                .contains(
                        "plugin  version      provides               from",
                        "a       1            20 modules, 1 loss     a.jar",
                        "bb      development  1 backend, 2 services  classes",
                        "a, /x/a.jar",
                        "  losses: L",
                        "  backends: cpu",
                        "  optimizer: Adam SGD",
                        "left out: [Broken] c.jar is broken.")
                .allMatch(line -> line.length() <= 100);
    }

    @Test
    void backends_come_with_reasons_and_remedies() {
        when(catalog.backends())
                .thenReturn(List.of(
                        new BackendInfo("cpu", 0, new Availability.Available("two cores"), "cpu.jar"),
                        new BackendInfo("gpu", 9, new Availability.Unavailable("No GPU.", "Buy one."), "gpu.jar")));
        BackendsCommand.print(catalog, out);
        assertThat(lines())
                .containsExactly(
                        "cpu (priority 0): available",
                        "  two cores",
                        "gpu (priority 9): unavailable",
                        "  No GPU. Buy one.");
    }

    @Test
    void missing_backends_are_mentioned() {
        BackendsCommand.print(catalog, out);
        assertThat(lines()).singleElement().asString().startsWith("No backends are on the class path");
    }

    private Stream<String> lines() {
        out.flush();
        return text.toString().lines();
    }
}
