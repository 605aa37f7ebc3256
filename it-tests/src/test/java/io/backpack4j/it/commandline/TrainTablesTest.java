// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train} on rows of tables does bit by bit what it does on the same samples in a tensor file. */
class TrainTablesTest {

    private static final int ROWS = 50;

    @TempDir
    private Path directory;

    private Workspace samples;

    @BeforeEach
    void write() throws SQLException {
        samples = new Workspace(directory);
        Random random = new Random(5);
        double[] inputs = random.doubles(2 * ROWS, -2, 2).toArray();
        long[] targets = random.longs(ROWS, 0, 2).toArray();
        samples.tensor("input", new long[] {ROWS, 2}, inputs);
        samples.integers("target", new long[] {ROWS}, targets);
        for (String name : List.of("0.weight", "0.bias", "2.weight", "2.bias")) {
            samples.without(name);
        }
        String rows = IntStream.range(0, ROWS)
                .mapToObj(i ->
                        "(%d, %s::DOUBLE, %s::DOUBLE, %d)".formatted(i, inputs[2 * i], inputs[2 * i + 1], targets[i]))
                .collect(Collectors.joining(", "));
        sql(
                "CREATE TABLE t AS SELECT *, [a, b] AS pair FROM (VALUES %s) AS v(n, a, b, label)".formatted(rows),
                "COPY t TO '%s'".formatted(path("all.parquet")),
                "COPY (SELECT * EXCLUDE pair FROM t) TO '%s'".formatted(path("all.csv")),
                "COPY t TO '%s'".formatted(path("all.json")),
                "COPY (SELECT * FROM t LIMIT 40) TO '%s'".formatted(path("part-1.parquet")),
                "COPY (SELECT * FROM t OFFSET 40) TO '%s'".formatted(path("part-2.parquet")));
    }

    private static void sql(String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    /** Trains on data, into a folder of that name. */
    private Run train(String run, String... options) {
        List<String> arguments = new ArrayList<>(
                List.of("train", "--model", path("model.json"), "--batch", "8", "--seed", "3", "--dtype", "float64"));
        arguments.addAll(List.of("--out", path(run)));
        arguments.addAll(List.of(options));
        return Run.of(arguments.toArray(String[]::new));
    }

    private static void succeed(Run run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }

    private void assertSame(String run, String other) {
        try (Safetensors one = Safetensors.open(directory.resolve(run).resolve("model.safetensors"));
                Safetensors two = Safetensors.open(directory.resolve(other).resolve("model.safetensors"))) {
            assertThat(one.tensors().keySet()).isEqualTo(two.tensors().keySet()).hasSize(4);
            for (String name : one.tensors().keySet()) {
                assertThat(one.readDoubles(name)).as(name).containsExactly(two.readDoubles(name));
            }
        }
    }

    private static String[] table(String source, String value, String... more) {
        List<String> options = new ArrayList<>(List.of(source, value, "--features", "a,b", "--target", "label"));
        options.addAll(List.of(more));
        return options.toArray(String[]::new);
    }

    @Test
    void tables_of_all_kinds_are_shuffled_and_held_out_as_other_samples_are() throws IOException {
        String[] common = {"--epochs", "2", "--valid", "0.2"};
        List<String> plain = new ArrayList<>(List.of("--data", path("data.safetensors")));
        plain.addAll(List.of(common));
        succeed(train("plain", plain.toArray(String[]::new)));
        for (String data : List.of("all.parquet", "all.csv", "all.json", "part-*.parquet")) {
            succeed(train("rows", table("--data", path(data), common)));
            assertSame("rows", "plain");
            assertThat(losses("rows")).as(data).isNotEmpty().isEqualTo(losses("plain"));
        }
        succeed(train(
                "rows", table("--sql", "SELECT * FROM '%s' ORDER BY n".formatted(path("part-*.parquet")), common)));
        assertSame("rows", "plain");
        succeed(train(
                "rows",
                "--data",
                path("part-1.parquet"),
                "--valid",
                path("part-2.parquet"),
                "--features",
                "pair",
                "--target",
                "label",
                "--epochs",
                "2"));
        assertSame("rows", "plain");
        assertThat(losses("rows")).isEqualTo(losses("plain"));
        assertThat(leftOver()).isEmpty();
    }

    /** The lines of epochs, with training and validation losses. */
    private List<String> losses(String run) throws IOException {
        return Files.readAllLines(directory.resolve(run).resolve("run.jsonl")).stream()
                .filter(line -> line.startsWith("{\"epoch\""))
                .map(line -> line.replaceAll(",\"time[^,}]*", ""))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 9})
    void a_run_that_goes_on_anywhere_ends_in_the_same_bits(int steps) {
        succeed(train("whole", table("--data", path("all.parquet"), "--epochs", "3")));
        String[] resumed = {"--epochs", "3", "--checkpoint-every", "1", "--max-steps", String.valueOf(steps)};
        succeed(train("parts", table("--data", path("all.parquet"), resumed)));
        succeed(train("parts", table("--data", path("all.csv"), "--epochs", "3", "--resume")));
        assertSame("parts", "whole");
    }

    @Test
    void ids_key_what_is_drawn() {
        String[] drawn = {
            "--epochs", "1", "--optimizer", "PreconditionedGradient(curvature=DiagGGNMC,lr=0.1,damping=0.1)"
        };
        succeed(train("rows", table("--data", path("all.parquet"), drawn)));
        List<String> named = new ArrayList<>(List.of(drawn));
        named.addAll(List.of("--id", "n"));
        succeed(train("named", table("--data", path("all.parquet"), named.toArray(String[]::new))));
        assertSame("named", "rows");
        succeed(train(
                "others",
                table(
                        "--sql",
                        "SELECT * REPLACE (n + 7 AS n) FROM '%s'".formatted(path("all.parquet")),
                        named.toArray(String[]::new))));
        try (Safetensors one = Safetensors.open(directory.resolve("others").resolve("model.safetensors"));
                Safetensors two = Safetensors.open(directory.resolve("rows").resolve("model.safetensors"))) {
            assertThat(one.readDoubles("0.weight")).isNotEqualTo(two.readDoubles("0.weight"));
        }
    }

    @Test
    void what_cannot_be_trained_on_is_refused() throws IOException {
        assertThat(train("none", "--data", path("all.parquet")).err())
                .startsWith("backpack: [InvalidOption] The columns of a table must be named");
        assertThat(train("none", "--data", path("data.safetensors"), "--features", "a", "--id", "n")
                        .err())
                .startsWith("backpack: [InvalidOption] Only tables have --features, --id, but '");
        assertThat(train("none", table("--sql", "SELECT 1", "--data", "x.csv")).err())
                .contains("--data and --sql exclude each other");
        assertThat(train("none", table("--sql", "SELECT 1", "--batches", "x.safetensors"))
                        .err())
                .contains("Leave --data, --sql and --valid out.");
        assertThat(train(
                                "none",
                                table(
                                        "--sql",
                                        "SELECT * REPLACE (CASE WHEN n = 44 THEN NULL ELSE b END AS b) FROM '%s'"
                                                .formatted(path("all.parquet"))))
                        .err())
                .startsWith("backpack: [BadSample] Row 44 cannot be used: there is no value in column 'b'.");
        assertThat(leftOver()).isEmpty();
    }

    private static List<Path> leftOver() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("backpack-rows"))
                    .toList();
        }
    }

    @Test
    void the_heap_does_not_hold_the_table() throws Exception {
        int rows = 500_000;
        String columns = IntStream.range(0, 48)
                .mapToObj(i -> "(range + %d)::FLOAT / 1000000 AS f%d".formatted(i, i))
                .collect(Collectors.joining(", "));
        sql("COPY (SELECT %s, range %% 2 AS y FROM range(%d)) TO '%s'".formatted(columns, rows, path("large.parquet")));
        Files.writeString(directory.resolve("large.json"), """
                {"nodes": [{"name": "0", "type": "Linear", "in_features": 48, "out_features": 2}],
                 "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
                """);
        Path temporary = Files.createDirectory(directory.resolve("temporary"));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Dorg.bytedeco.javacpp.maxbytes=0", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"));
        command.addAll(List.of("-Dguice_custom_class_loading=CHILD", "-Xmx48m", "-XX:+UseSerialGC"));
        command.addAll(List.of("-Djava.io.tmpdir=" + temporary, "-cp", System.getProperty("java.class.path")));
        command.add(io.backpack4j.cli.Main.class.getName());
        // 96 MB of features, and 4 MB of their order.
        command.addAll(List.of("train", "--model", path("large.json"), "--data", path("large.parquet")));
        command.addAll(List.of("--features", "f*", "--target", "y", "--epochs", "1", "--batch", "8192"));
        command.addAll(List.of("--out", path("run")));
        Path out = directory.resolve("out.txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        assertThat(process.waitFor()).as(Files.readString(out)).isZero();
        assertThat(Files.readString(out)).contains("500000 rows of ");
        assertThat(temporary).isEmptyDirectory();
        assertThat(Arrays.stream(directory.resolve("run").toFile().list())).contains("model.safetensors");
    }
}
