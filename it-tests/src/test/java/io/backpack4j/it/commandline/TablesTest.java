// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cli.Main;
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
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows of tables give what the same samples give as one batch of a data file. */
class TablesTest {

    private static final int ROWS = 50;
    private static final String EXTENSIONS =
            "BatchGrad,BatchL2Grad,Variance,SumGradSquared,DiagGGNExact,DiagGGNMC,KFAC(mc_samples=2)";

    @TempDir
    private Path directory;

    private Workspace plain;

    @BeforeEach
    void write() throws SQLException {
        plain = new Workspace(directory).option("--extensions", EXTENSIONS);
        Random random = new Random(5);
        double[] inputs = random.doubles(2 * ROWS, -2, 2).toArray();
        long[] targets = random.longs(ROWS, 0, 2).toArray();
        plain.tensor("input", new long[] {ROWS, 2}, inputs);
        plain.integers("target", new long[] {ROWS}, targets);
        String rows = IntStream.range(0, ROWS)
                .mapToObj(i -> "(%d, %d, %s::DOUBLE, %s::DOUBLE, %d)"
                        .formatted(i, id(i), inputs[2 * i], inputs[2 * i + 1], targets[i]))
                .collect(Collectors.joining(", "));
        sql(
                "CREATE TABLE t AS SELECT *, [a, b] AS pair FROM (VALUES %s) AS v(n, id, a, b, label)".formatted(rows),
                "COPY t TO '%s'".formatted(plain.file("all.parquet")),
                "COPY (SELECT * EXCLUDE pair FROM t) TO '%s'".formatted(plain.file("all.csv")),
                "COPY t TO '%s'".formatted(plain.file("all.json")),
                "COPY (SELECT * FROM t LIMIT 20) TO '%s'".formatted(plain.file("part-1.parquet")),
                "COPY (SELECT * FROM t OFFSET 20) TO '%s'".formatted(plain.file("part-2.parquet")));
    }

    /** Other than the order of rows, and no neighbours. */
    private static long id(int row) {
        return 1000 + 3L * (row * 7 % ROWS);
    }

    private static void sql(String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** A command over a table, whose results go to a file of that name. */
    private Workspace table(String data, String results) {
        return new Workspace(directory)
                .data(plain.data())
                .option("--extensions", EXTENSIONS)
                .option("--weights", plain.file("data.safetensors").toString())
                .option("--data", plain.file(data).toString())
                .option("--features", "a,b")
                .option("--target", "label")
                .option("--out", plain.file(results).toString());
    }

    private static void succeed(Workspace workspace) {
        Run run = workspace.run();
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
    }

    private void assertSame(String file, String other, double tolerance, Set<String> onlyInOther) {
        try (Safetensors one = Safetensors.open(plain.file(file));
                Safetensors two = Safetensors.open(plain.file(other))) {
            Set<String> names = new TreeSet<>(two.tensors().keySet());
            names.removeAll(onlyInOther);
            assertThat(one.tensors().keySet()).containsExactlyElementsOf(names).hasSizeGreaterThan(20);
            if (names.remove("*/sample_ids")) {
                assertThat(one.readLongs("*/sample_ids")).containsExactly(two.readLongs("*/sample_ids"));
            }
            for (String name : names) {
                double[] expected = two.readDoubles(name);
                double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
                assertThat(one.readDoubles(name)).as(name).containsExactly(expected, within(tolerance * largest));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {7, 16, 50, 64})
    void rows_in_batches_of_any_size_give_what_one_batch_gives(int batch) {
        succeed(plain.option("--out", plain.file("plain.safetensors").toString()));
        succeed(table("all.parquet", "rows.safetensors").option("--batch", String.valueOf(batch)));
        assertSame("rows.safetensors", "plain.safetensors", 1e-12, Set.of("output"));
    }

    @Test
    void files_of_all_formats_parts_lists_and_queries_give_the_same() {
        succeed(table("all.parquet", "rows.safetensors").option("--batch", "20"));
        for (String data : List.of("all.csv", "all.json", "part-*.parquet")) {
            succeed(table(data, "other.safetensors").option("--batch", "20"));
            assertSame("other.safetensors", "rows.safetensors", 0, Set.of());
        }
        succeed(table("all.parquet", "other.safetensors")
                .option("--features", "pair")
                .option("--batch", "20"));
        assertSame("other.safetensors", "rows.safetensors", 0, Set.of());
        succeed(table("", "other.safetensors")
                .withoutOption("--data")
                .option("--sql", "SELECT * FROM '%s' WHERE n < 100;".formatted(plain.file("part-*.parquet")))
                .option("--batch", "20"));
        assertSame("other.safetensors", "rows.safetensors", 0, Set.of());
    }

    @Test
    void results_of_samples_stand_in_the_order_of_their_ids() {
        String extensions = "BatchL2Grad,Variance";
        succeed(plain.option("--extensions", extensions)
                .option("--out", plain.file("plain.safetensors").toString()));
        succeed(table("all.parquet", "rows.safetensors")
                .option("--extensions", extensions)
                .option("--id", "id")
                .option("--batch", "9"));
        try (Safetensors expected = Safetensors.open(plain.file("plain.safetensors"));
                Safetensors actual = Safetensors.open(plain.file("rows.safetensors"))) {
            long[] ids = actual.readLongs("*/sample_ids");
            double[] norms = actual.readDoubles("0.weight/batch_l2");
            double[] losses = actual.readDoubles("loss_batch");
            double[] expectedNorms = expected.readDoubles("0.weight/batch_l2");
            double[] expectedLosses = expected.readDoubles("loss_batch");
            assertThat(ids).isSorted();
            for (int row = 0; row < ROWS; row++) {
                int place = Arrays.binarySearch(ids, id(row));
                assertThat(norms[place]).isCloseTo(expectedNorms[row], within(1e-12));
                assertThat(losses[place]).isCloseTo(expectedLosses[row], within(1e-12));
            }
        }
    }

    @Test
    void without_results_of_samples_there_are_none_at_all() {
        succeed(table("all.csv", "rows.safetensors")
                .option("--extensions", "Variance")
                .option("--id", "id"));
        try (Safetensors results = Safetensors.open(plain.file("rows.safetensors"))) {
            assertThat(results.tensors())
                    .containsKeys("loss", "0.weight/variance")
                    .doesNotContainKeys("loss_batch", "output", "*/sample_ids");
        }
    }

    @Test
    void workers_give_what_one_process_gives() throws IOException {
        Set<String> before = temporary();
        succeed(table("all.parquet", "one.safetensors").option("--batch", "9").option("--id", "id"));
        for (String workers : List.of("2", "3")) {
            succeed(table("all.parquet", "several.safetensors")
                    .option("--batch", "9")
                    .option("--id", "id")
                    .option("--workers", workers));
            assertSame("several.safetensors", "one.safetensors", 1e-12, Set.of());
        }
        assertThat(temporary()).isEqualTo(before);
    }

    /** Rows of workers are neighbours in the table, or in the order of ids if results of rows are written so. */
    @ParameterizedTest
    @CsvSource({
        "Variance,'2 of 2, of rows 20 to 49','Row 44, with id 1024,'",
        "BatchL2Grad,'1 of 2, of rows 0 to 19','The row with id 1024'"
    })
    void a_worker_that_fails_is_named_and_leaves_nothing(String extension, String worker, String row)
            throws IOException {
        Set<String> before = temporary();
        Run run = table("all.parquet", "rows.safetensors")
                .option("--extensions", extension)
                .withoutOption("--data")
                .option(
                        "--sql",
                        "SELECT * REPLACE (CASE WHEN n = 44 THEN NULL ELSE b END AS b) FROM '%s'"
                                .formatted(plain.file("all.parquet")))
                .option("--batch", "10")
                .option("--id", "id")
                .option("--workers", "2")
                .run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .startsWith(
                        "backpack: [WorkerFailed] Worker %s, failed: [BadSample] %s cannot be used: there is no value in column 'b'."
                                .formatted(worker, row));
        assertThat(plain.file("rows.safetensors")).doesNotExist();
        assertThat(temporary()).isEqualTo(before);
    }

    private static Set<String> temporary() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("backpack-"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void results_of_samples_are_multiplied_by_the_factor_of_all_targets() {
        plain.model(
                "\"reduction\": \"mean\"", "\"reduction\": \"mean\", \"weight\": [0.3, 1.7], \"label_smoothing\": 0.1");
        succeed(plain.option("--out", plain.file("plain.safetensors").toString()));
        for (String batch : List.of("7", "64")) {
            Workspace rows = table("all.parquet", "rows.safetensors").option("--batch", batch);
            plain.model(
                    "\"reduction\": \"mean\"",
                    "\"reduction\": \"mean\", \"weight\": [0.3, 1.7], \"label_smoothing\": 0.1");
            succeed(rows);
            assertSame("rows.safetensors", "plain.safetensors", 1e-12, Set.of("output"));
        }
    }

    /** Their results per sample depend on all rows, not on those of one batch. */
    @Test
    void results_per_sample_that_depend_on_all_rows() {
        String extensions = EXTENSIONS + ",CenteredBatchGrad";
        succeed(plain.option("--extensions", extensions)
                .option("--out", plain.file("plain.safetensors").toString()));
        succeed(table("all.parquet", "rows.safetensors")
                .option("--extensions", extensions)
                .option("--batch", "7"));
        assertSame("rows.safetensors", "plain.safetensors", 1e-12, Set.of("output"));
    }

    @ParameterizedTest
    @CsvSource({"'',1", "' ORDER BY id',1", "'',3", "' ORDER BY id DESC',3", "' ORDER BY id',2"})
    void results_of_samples_are_the_same_in_whichever_order_rows_come(String order, int workers) {
        String extensions = EXTENSIONS + ",SqrtGGNExact";
        succeed(table("all.parquet", "kept.safetensors")
                .option("--extensions", extensions + ",CenteredBatchGrad")
                .option("--id", "id")
                .option("--batch", "9"));
        succeed(table("", "rows.safetensors")
                .withoutOption("--data")
                .option("--sql", "SELECT * FROM '%s'%s".formatted(plain.file("all.parquet"), order))
                .option("--extensions", extensions)
                .option("--id", "id")
                .option("--workers", String.valueOf(workers))
                .option("--batch", "9"));
        try (Safetensors rows = Safetensors.open(plain.file("rows.safetensors"));
                Safetensors kept = Safetensors.open(plain.file("kept.safetensors"))) {
            assertThat(rows.readLongs("*/sample_ids")).isSorted().hasSize(ROWS);
            Set<String> centred = kept.tensors().keySet().stream()
                    .filter(name -> !rows.tensors().containsKey(name))
                    .collect(Collectors.toSet());
            assertThat(centred).allMatch(name -> name.endsWith("centered_grad_batch"));
            assertSame("rows.safetensors", "kept.safetensors", 1e-12, centred);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void an_id_that_stands_twice_is_found_where_results_of_rows_are_written_as_they_come(int workers) {
        Run run = table("", "rows.safetensors")
                .withoutOption("--data")
                .option("--sql", "SELECT * REPLACE (id %% 30 AS id) FROM '%s'".formatted(plain.file("all.parquet")))
                .option("--id", "id")
                .option("--workers", String.valueOf(workers))
                .option("--batch", "9")
                .run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .contains("Rows have ids in common")
                .contains("The id ")
                .contains("stands twice");
        assertThat(plain.file("rows.safetensors")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({"Variance,1", "'BatchL2Grad,Variance',1", "'BatchL2Grad,Variance',2"})
    void the_heap_does_not_grow_with_the_table(String extensions, int workers) throws Exception {
        int rows = 2_000_000;
        String columns = IntStream.range(0, 12)
                .mapToObj(i -> "(random() - 0.5)::FLOAT AS f" + i)
                .collect(Collectors.joining(", "));
        sql("COPY (SELECT range AS id, %s, range %% 2 AS y FROM range(%d)) TO '%s'"
                .formatted(columns, rows, plain.file("large.parquet")));
        Files.writeString(plain.file("large.json"), """
                {"nodes": [{"name": "0", "type": "Linear", "in_features": 12, "out_features": 2}],
                 "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
                """);
        new TensorFile()
                .put("0.weight", new long[] {2, 12}, new double[24])
                .put("0.bias", new long[] {2}, 0.0, 0.0)
                .write(plain.file("weights.safetensors"));
        Path temporary = Files.createDirectory(plain.file("temporary"));
        // 96 MB of features.
        String out = process(
                List.of("-Xmx40m", "-XX:+UseSerialGC", "-Djava.io.tmpdir=" + temporary),
                System.getProperty("java.class.path"),
                table("large.parquet", "large.safetensors")
                        .option("--model", plain.file("large.json").toString())
                        .option("--weights", plain.file("weights.safetensors").toString())
                        .option("--features", "f*")
                        .option("--target", "y")
                        .option("--extensions", extensions)
                        .option("--dtype", "float32")
                        .option("--batch", "8192"));
        assertThat(out).contains("2000000 samples in 245 batches");
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void without_the_module_its_jar_is_named() throws Exception {
        String others = Arrays.stream(System.getProperty("java.class.path").split(System.getProperty("path.separator")))
                .filter(entry -> !entry.contains("data-sql") && !entry.contains("duckdb"))
                .collect(Collectors.joining(System.getProperty("path.separator")));
        assertThat(process(List.of(), others, table("all.parquet", "rows.safetensors")))
                .contains(
                        "[Unsupported] Nothing on the class path reads tables. Put the jars backpack4j-data-sql and duckdb_jdbc there");
    }

    private String process(List<String> flags, String classpath, Workspace workspace) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Dorg.bytedeco.javacpp.maxbytes=0", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"));
        command.add("-Dguice_custom_class_loading=CHILD");
        command.addAll(flags);
        command.addAll(List.of("-cp", classpath, Main.class.getName()));
        command.addAll(List.of(workspace.arguments()));
        Path out = directory.resolve("out.txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        process.waitFor();
        return Files.readString(out);
    }
}
