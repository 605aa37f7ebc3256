// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cli.Main;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.ParameterFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the commands and the example of the guide to tables, as they stand there. */
class TablesGuideTest {

    private static final Pattern COMMAND = Pattern.compile("^\\./backpack (.*)$", Pattern.MULTILINE);
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

    /** Names of files in the guide. */
    private static final Pattern FILE = Pattern.compile("[a-z*-]+\\.(json|safetensors|parquet)");

    @TempDir
    private Path folder;

    @Test
    void commands_run() throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = connection.createStatement()) {
            String rows =
                    "SELECT range AS id, sin(range) AS a, cos(range) AS b, [a, b] AS pixels, range %% 2 AS label FROM range(%d, %d)";
            statement.execute("COPY (%s) TO '%s'".formatted(rows.formatted(0, 500), file("part-1.parquet")));
            statement.execute("COPY (%s) TO '%s'".formatted(rows.formatted(500, 1000), file("part-2.parquet")));
            statement.execute("COPY (%s) TO '%s'".formatted(rows.formatted(0, 600), file("samples.json")));
        }
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(
                        Graph.sequential(new Linear(2, 2)), new CrossEntropyLoss(), DType.FLOAT32, Shape.of(2))) {
            model.parameters().initialize(0);
            ModelFile.write(file("model.json"), model.description());
            ParameterFile.save(file("weights.safetensors"), model);
        }
        List<String> printed = new ArrayList<>();
        Matcher command = COMMAND.matcher(Files.readString(Path.of("..", "docs", "guide", "tables.md")));
        while (command.find()) {
            String out = run(command.group(1).replaceFirst("--out run$", "--out " + file("run")));
            if (command.group(1).startsWith("evaluate")) {
                printed.add(out.lines().findFirst().orElseThrow());
            }
        }
        assertThat(printed)
                .containsExactly("1000 samples in 4 batches", "499 samples in 1 batches", "600 samples in 3 batches");
        assertThat(file("run").resolve("model.safetensors")).exists();
    }

    private Path file(String name) {
        return folder.resolve(name);
    }

    private String run(String line) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(line);
        while (word.find()) {
            String text = word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group(3);
            words.add(FILE.matcher(text)
                    .replaceAll(found -> Matcher.quoteReplacement(
                            file("x").resolveSibling(found.group()).toString())));
        }
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        assertThat(Main.run(new PrintWriter(out), new PrintWriter(err), words.toArray(String[]::new)))
                .as(err.toString())
                .isZero();
        return out.toString();
    }

    @Test
    void the_example_compiles_and_says_what_it_found() throws Exception {
        assertThat(Example.printed(folder, "tables.md", "Rows")).contains("1000 rows, loss below 0.4: true");
    }
}
