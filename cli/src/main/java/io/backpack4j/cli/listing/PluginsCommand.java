// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.listing;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.PluginInfo;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Lists the plugins that were found. */
@Command(
        name = "plugins",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "List the plugins on the class path and what they provide.",
        footerHeading = "%nExamples:%n",
        footer = {"  backpack plugins", "  backpack plugins --plugins ~/jars"})
public final class PluginsCommand implements Runnable {

    private static final int LINE = 96;

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        try (BackPack backpack = main.open()) {
            print(backpack.catalog(), out);
        }
        out.flush();
    }

    static void print(Catalog catalog, PrintWriter out) {
        Table table = new Table("plugin", "version", "provides", "from");
        for (PluginInfo plugin : catalog.plugins()) {
            table.row(plugin.id(), plugin.version(), kinds(plugin), fileName(plugin.location()));
        }
        table.print(out);
        for (PluginInfo plugin : catalog.plugins()) {
            out.println();
            out.println(plugin.id() + ", " + plugin.location());
            printNames("modules", plugin.modules(), out);
            printNames("losses", plugin.losses(), out);
            printNames("extensions", plugin.extensions(), out);
            printNames("backends", plugin.backends(), out);
            plugin.services().forEach((kind, names) -> printNames(kind, names, out));
        }
        catalog.issues().forEach(issue -> out.println("left out: " + issue));
    }

    private static String kinds(PluginInfo plugin) {
        return Stream.of(
                        count(plugin.modules(), "module", "modules"),
                        count(plugin.losses(), "loss", "losses"),
                        count(plugin.extensions(), "extension", "extensions"),
                        count(plugin.backends(), "backend", "backends"),
                        count(services(plugin), "service", "services"))
                .filter(kind -> !kind.isEmpty())
                .collect(Collectors.joining(", "));
    }

    private static List<String> services(PluginInfo plugin) {
        return plugin.services().values().stream().flatMap(List::stream).toList();
    }

    private static String count(List<String> names, String one, String many) {
        return names.isEmpty() ? "" : names.size() + " " + (names.size() == 1 ? one : many);
    }

    private static String fileName(String location) {
        String path = location.endsWith("/") ? location.substring(0, location.length() - 1) : location;
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static void printNames(String kind, List<String> names, PrintWriter out) {
        StringBuilder line = new StringBuilder(names.isEmpty() ? "" : "  " + kind + ":");
        for (String name : names) {
            if (line.length() + name.length() > LINE) {
                out.println(line);
                line = new StringBuilder("   ");
            }
            line.append(' ').append(name);
        }
        if (!line.isEmpty()) {
            out.println(line);
        }
    }
}
