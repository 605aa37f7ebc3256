// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.support;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.Problem;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Prints which extensions work with which modules. */
@Command(
        name = "support",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Print which extensions work with which modules, found out by planning a pass for each pair.",
        footerHeading = "%nExamples:%n",
        footer = {"  backpack support", "  backpack support --markdown > docs/support.md"})
public final class SupportCommand implements Runnable {

    private static final int WIDTH = 100;
    private static final String UNKNOWN = "?";

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--markdown", description = "Print the table as a document in Markdown.")
    private boolean markdown;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        try (BackPack backpack = main.open()) {
            SupportMatrix matrix = new SupportMatrix(backpack);
            Map<String, Optional<Map<String, Optional<Problem>>>> rows = new LinkedHashMap<>();
            backpack.catalog().moduleTypes().forEach(type -> rows.put(type, matrix.row(type)));
            List<String> extensions = backpack.catalog().extensionTypes();
            if (markdown) {
                SupportDocument.print(rows, backpack.catalog().plugins(), out);
            } else {
                print(rows, extensions, out);
            }
        }
        out.flush();
    }

    /** Prints the table, in as many parts as its width needs, and what its entries mean. */
    static void print(
            Map<String, Optional<Map<String, Optional<Problem>>>> rows, List<String> extensions, PrintWriter out) {
        List<String> part = new ArrayList<>();
        for (String extension : extensions) {
            part.add(extension);
            if (part.size() > 1 && width(rows, part) > WIDTH) {
                part.remove(extension);
                table(rows, part).print(out);
                out.println();
                part = new ArrayList<>(List.of(extension));
            }
        }
        table(rows, part).print(out);
        printNotes(rows, out);
    }

    /** One problem of each kind, by its id. */
    static Map<String, Problem> examples(Map<String, Optional<Map<String, Optional<Problem>>>> rows) {
        Map<String, Problem> examples = new TreeMap<>();
        for (Optional<Map<String, Optional<Problem>>> row : rows.values()) {
            row.ifPresent(cells -> cells.values()
                    .forEach(cell -> cell.ifPresent(
                            problem -> examples.putIfAbsent(problem.id().name(), problem))));
        }
        return examples;
    }

    private static int width(Map<String, Optional<Map<String, Optional<Problem>>>> rows, List<String> extensions) {
        return table(rows, extensions).lines().stream()
                .mapToInt(String::length)
                .max()
                .orElse(0);
    }

    private static Table table(Map<String, Optional<Map<String, Optional<Problem>>>> rows, List<String> extensions) {
        List<String> titles = new ArrayList<>(List.of("module"));
        titles.addAll(extensions);
        Table table = new Table(titles.toArray(String[]::new));
        rows.forEach((module, row) -> {
            List<String> cells = new ArrayList<>(List.of(module));
            for (String extension : extensions) {
                cells.add(row.map(known -> cell(known.get(extension))).orElse(UNKNOWN));
            }
            table.row(cells.toArray(String[]::new));
        });
        return table;
    }

    private static String cell(@Nullable Optional<Problem> outcome) {
        return outcome == null
                ? UNKNOWN
                : outcome.map(problem -> problem.id().name()).orElse(Text.TICK);
    }

    private static void printNotes(Map<String, Optional<Map<String, Optional<Problem>>>> rows, PrintWriter out) {
        Map<String, Problem> examples = examples(rows);
        if (!examples.isEmpty()) {
            out.println();
            out.println("An example of each problem:");
            examples.values().forEach(problem -> out.println("  " + problem));
        }
        if (rows.containsValue(Optional.<Map<String, Optional<Problem>>>empty())) {
            out.println();
            out.println(
                    UNKNOWN + "  no example of this module is known here; 'backpack evaluate' tells whether it works");
        }
    }
}
