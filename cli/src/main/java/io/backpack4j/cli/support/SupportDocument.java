// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.support;

import io.backpack4j.kernel.PluginInfo;
import io.backpack4j.spi.Problem;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The table of modules and extensions as a document. ASCII only, whatever the terminal understands. */
final class SupportDocument {

    private static final String WORKS = "yes";
    private static final String UNKNOWN = "?";
    private static final int MOST_COLUMNS = 7;

    private SupportDocument() {}

    /** Prints the document. */
    static void print(
            Map<String, Optional<Map<String, Optional<Problem>>>> rows, List<PluginInfo> plugins, PrintWriter out) {
        out.println("# Which extensions work with which modules");
        out.println();
        out.println("Found out by planning a pass for each pair. After a change, write this file anew with");
        out.println("`./backpack support --markdown > docs/support.md`; a test compares.");
        for (PluginInfo plugin : plugins) {
            printTables(rows, plugin, out);
        }
        Map<String, Problem> examples = SupportCommand.examples(rows);
        if (!examples.isEmpty()) {
            out.println();
            out.println("An example of each problem:");
            out.println();
            examples.values().forEach(problem -> out.println("- `" + problem.id() + "`: " + problem.message()));
        }
        if (rows.containsValue(Optional.<Map<String, Optional<Problem>>>empty())) {
            out.println();
            out.println("`" + UNKNOWN + "`: no example of this module is known to the command; `evaluate` tells.");
        }
    }

    /** A plugin's extensions, in tables that are not too wide. */
    private static void printTables(
            Map<String, Optional<Map<String, Optional<Problem>>>> rows, PluginInfo plugin, PrintWriter out) {
        List<String> all = plugin.extensions().stream().sorted().toList();
        int tables = (all.size() + MOST_COLUMNS - 1) / MOST_COLUMNS;
        for (int table = 0; table < tables; table++) {
            List<String> extensions = all.subList(table * all.size() / tables, (table + 1) * all.size() / tables);
            out.println();
            if (table == 0) {
                out.println("## " + plugin.id());
                out.println();
            }
            out.println("| module | " + String.join(" | ", extensions) + " |");
            out.println("|---|" + "---|".repeat(extensions.size()));
            rows.forEach((module, row) -> out.println(extensions.stream()
                    .map(extension ->
                            row.map(cells -> cell(cells.get(extension))).orElse(UNKNOWN))
                    .collect(Collectors.joining(" | ", "| `" + module + "` | ", " |"))));
        }
    }

    private static String cell(@Nullable Optional<Problem> outcome) {
        return outcome == null
                ? UNKNOWN
                : outcome.map(problem -> "`" + problem.id() + "`").orElse(WORKS);
    }
}
