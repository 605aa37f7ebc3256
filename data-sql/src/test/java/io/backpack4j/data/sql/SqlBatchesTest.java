// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.data.TableRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SqlBatchesTest {

    /** Rows 0 to 9: features i and i/4, a class, an id 100 + i. */
    private static final String TEN =
            "SELECT 100 + range AS id, range AS a, (range / 4.0)::FLOAT AS b, range % 3 AS y FROM range(10)";

    @TempDir
    private Path folder;

    private static SqlBatches.Builder table(String sql) {
        return SqlBatches.of(sql).features("a").target("y").batch(4);
    }

    private static HostTensor input(BatchData data) {
        return Objects.requireNonNull(data.inputs().get("input"));
    }

    private static List<Double> values(HostTensor tensor) {
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < tensor.shape().elements(); i++) {
            values.add(tensor.value(i));
        }
        return values;
    }

    @Test
    void batches_have_the_rows_in_their_order_and_the_last_one_what_is_left() {
        try (SqlBatches batches =
                table(TEN).features("a", "b").id("id").type(DType.FLOAT64).open()) {
            assertThat(batches.perEpoch()).isEqualTo(3);
            assertThat(batches.samplesPerEpoch()).isEqualTo(10);
            List<Long> ids = new ArrayList<>();
            for (BatchData data : batches) {
                for (long id : data.ids()) {
                    ids.add(id);
                }
            }
            assertThat(ids).containsExactly(100L, 101L, 102L, 103L, 104L, 105L, 106L, 107L, 108L, 109L);
            BatchData last = batches.read(2, 2);
            assertThat(input(last).shape()).isEqualTo(Shape.of(2, 2));
            assertThat(values(input(last))).containsExactly(8.0, 2.0, 9.0, 2.25);
            assertThat(last.targets()).isInstanceOf(HostTensor.Longs.class);
            assertThat(values(last.targets())).containsExactly(2.0, 0.0);
            // Any batch can be asked for, as a run that goes on does.
            assertThat(values(input(batches.read(2, 0)))).startsWith(0.0, 0.0, 1.0, 0.25);
        }
    }

    @Test
    void without_a_column_of_ids_they_are_the_numbers_of_rows_in_parts_too() {
        TableRequest request = new TableRequest(
                new TableRequest.Query(TEN),
                "x",
                List.of("*"),
                Optional.empty(),
                DType.FLOAT32,
                List.of("y"),
                DType.INT64,
                Optional.empty(),
                4,
                Optional.of(new TableRequest.Rows(4, 5)));
        try (SqlBatches batches = SqlBatches.open(request)) {
            assertThat(batches.read(1, 0).ids()).containsExactly(4, 5, 6, 7);
            BatchData last = batches.read(1, 1);
            assertThat(last.ids()).containsExactly(8);
            assertThat(values(Objects.requireNonNull(last.inputs().get("x")))).containsExactly(108.0, 8.0, 2.0);
        }
        try (SqlBatches batches = SqlBatches.open(request.only(new TableRequest.Rows(8, 5)))) {
            batches.read(1, 0);
        } catch (BackpackException e) {
            assertThat(e).hasMessageContaining("[ChangedTable] The table gave 2 rows, but it had 5");
        }
    }

    @Test
    void rows_come_in_the_order_of_their_ids() {
        TableRequest request = new TableRequest(
                new TableRequest.Query("SELECT *, ((a * 7) %% 10) * 10 AS \"an \"\"id\" FROM (%s)".formatted(TEN)),
                "x",
                List.of("a"),
                Optional.empty(),
                DType.FLOAT32,
                List.of("y"),
                DType.INT64,
                Optional.of("an \"id"),
                4,
                Optional.empty());
        try (SqlBatches batches = SqlBatches.open(request.inOrderOfIds())) {
            assertThat(batches.read(1, 0).ids()).containsExactly(0, 10, 20, 30);
            BatchData last = batches.read(1, 2);
            assertThat(last.ids()).containsExactly(80, 90);
            assertThat(values(Objects.requireNonNull(last.inputs().get("x")))).containsExactly(4.0, 7.0);
        }
        try (SqlBatches batches = SqlBatches.open(request.inOrderOfIds().only(new TableRequest.Rows(3, 2)))) {
            assertThat(batches.read(1, 0).ids()).containsExactly(30, 40);
        }
    }

    @Test
    void numbers_of_all_types_are_the_same_numbers() {
        String sql = """
                SELECT 3::TINYINT AS a, 3::UBIGINT AS b, 3::HUGEINT AS c, 3::DECIMAL(9, 3) AS d, true AS e, 3::FLOAT AS f,
                    3::DOUBLE AS g, 1 AS y -- the end;
                """;
        try (SqlBatches batches =
                table(sql).features("?").numericTargets("y", "a").open()) {
            BatchData data = batches.read(1, 0);
            assertThat(values(input(data))).containsExactly(3.0, 3.0, 3.0, 1.0, 3.0, 3.0);
            assertThat(data.targets().shape()).isEqualTo(Shape.of(1, 2));
            assertThat(values(data.targets())).containsExactly(1.0, 3.0);
        }
    }

    @Test
    void lists_are_inputs_of_their_shape_or_of_another() {
        String flat = "SELECT [range, 1, 2, 0.5]::FLOAT[] AS a, 0 AS y, [1, range] AS z FROM range(3)";
        String array = "SELECT [range, 1, 2, 0.5]::FLOAT[4] AS a, 0 AS y, [1, range] AS z FROM range(3)";
        String nested = "SELECT [[range, 1], [2, 0.5]]::DOUBLE[][] AS a, 0 AS y, [1, range] AS z FROM range(3)";
        for (String sql : List.of(flat, array, nested)) {
            try (SqlBatches batches = table(sql).numericTargets("z").open();
                    SqlBatches shaped = table(sql).sample(Shape.of(1, 2, 2)).open()) {
                BatchData data = batches.read(1, 0);
                assertThat(input(data).shape()).isEqualTo(sql.equals(nested) ? Shape.of(3, 2, 2) : Shape.of(3, 4));
                assertThat(values(input(data)))
                        .containsExactly(0.0, 1.0, 2.0, 0.5, 1.0, 1.0, 2.0, 0.5, 2.0, 1.0, 2.0, 0.5);
                assertThat(values(data.targets())).containsExactly(1.0, 0.0, 1.0, 1.0, 1.0, 2.0);
                assertThat(input(shaped.read(1, 0)).shape()).isEqualTo(Shape.of(3, 1, 2, 2));
            }
        }
    }

    @Test
    void integers_stay_integers_for_models_that_take_them() {
        String sql = "SELECT 9007199254740993 AS a, 1::UTINYINT AS b, 0 AS y";
        try (SqlBatches batches =
                table(sql).features("a", "b").type(DType.INT64).open()) {
            HostTensor.Longs longs = (HostTensor.Longs) input(batches.read(1, 0));
            assertThat(longs.values()).containsExactly(9007199254740993L, 1L);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            CASE WHEN range = 5 THEN NULL ELSE 1 END             | there is no value in column 'a'
            CASE WHEN range = 5 THEN NULL ELSE 1.5::FLOAT END    | there is no value in column 'a'
            CASE WHEN range = 5 THEN NULL ELSE 1.5::DOUBLE END   | there is no value in column 'a'
            CASE WHEN range = 5 THEN 'NaN' ELSE '1.5' END::FLOAT | column 'a' is NaN
            CASE WHEN range = 5 THEN 1e300 ELSE 1.5 END          | column 'a' is 1.0E300, but must be a finite number in FLOAT32
            CASE WHEN range = 5 THEN NULL ELSE [1, 2] END        | there is no value in column 'a'
            CASE WHEN range = 5 THEN [1, NULL] ELSE [1, 2] END   | there is no value in column 'a'
            CASE WHEN range = 5 THEN [1] ELSE [1, 2] END         | column 'a' has a list of 1 there, but the first row's is of shape [2]
            CASE WHEN range = 5 THEN [1, 'inf'::FLOAT] ELSE [1, 2] END | column 'a' is Infinity
            CASE WHEN range = 5 THEN [[1], [1]] ELSE [[1, 2], [3, 4]] END | column 'a' has a list of 1 there
            """)
    void a_row_that_cannot_be_used_is_named(String feature, String message) {
        String sql = "SELECT %s AS a, 0 AS y, 100 + range AS id FROM range(9)".formatted(feature);
        try (SqlBatches batches = table(sql).id("id").open();
                SqlBatches numbered = table(sql).open()) {
            batches.read(1, 0);
            assertThatThrownBy(() -> batches.read(1, 1))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageStartingWith("[BadSample] Row 5, with id 105, cannot be used: ")
                    .hasMessageContaining(message);
            assertThatThrownBy(() -> numbered.read(1, 1)).hasMessageStartingWith("[BadSample] Row 5 cannot");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            SELECT 1 AS a, NULL::INT AS y                     | [BadSample] Row 0 cannot be used: there is no value in column 'y'
            SELECT 1 AS a, 'cat' AS y                         | [WrongColumn] Column 'y' (VARCHAR) is named as target
            SELECT 1 AS a, 1.5 AS y                           | [WrongColumn] Column 'y' (DECIMAL(2,1)) is named as target, but the model takes integers
            SELECT DATE '2020-01-01' AS a, 1 AS y             | [WrongColumn] Column 'a' (DATE) is named as feature
            SELECT 1 AS b, 1 AS y                             | [UnknownColumn] The table has no column 'a', which is named as feature. Did you mean 'b'? Its columns are: b, y.
            SELECT 1 AS a, 1 AS y WHERE false                 | [BadData] The table has no rows
            SELECT 1 AS                                       | [UnreadableTable] The table cannot be read: Parser Error: syntax error
            SELECT * FROM 'nothing-*.parquet'                 | [UnreadableTable] The table cannot be read: IO Error: No files found that match the pattern "nothing-*.parquet".
            SELECT * FROM 'https://example.org/a.parquet'     | Extensions are not downloaded
            SELECT list_transform([1], x -> x) AS a, 1 AS y   | lambda x
            """)
    void a_table_that_cannot_be_used_is_refused(String sql, String message) {
        assertThatThrownBy(() -> {
                    try (SqlBatches batches = table(sql).open()) {
                        batches.read(1, 0);
                    }
                })
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 7000, 250000})
    void a_field_that_is_no_number_is_reported_wherever_it_stands(long row) {
        String sql =
                "SELECT CAST(CASE WHEN range = %d THEN 'twelve' ELSE range::VARCHAR END AS INT) AS a, 0 AS y FROM range(300000)"
                        .formatted(row);
        try (SqlBatches batches = table(sql).batch(100000).open()) {
            assertThatThrownBy(() -> {
                        for (BatchData data : batches) {
                            assertThat(data.samples()).isEqualTo(100000);
                        }
                    })
                    .hasMessageStartingWith("[UnreadableTable] ")
                    .hasMessageContaining("Could not convert string 'twelve' to INT32");
        }
    }

    @Test
    void ids_must_be_integers_and_there() {
        assertThatThrownBy(
                        () -> table("SELECT 1 AS a, 0 AS y, 'x' AS id").id("id").open())
                .hasMessageContaining("[WrongColumn] Column 'id' (VARCHAR) is named as id");
        try (SqlBatches batches =
                table("SELECT 1 AS a, 0 AS y, NULL::INT AS id").id("id").open()) {
            assertThatThrownBy(() -> batches.read(1, 0)).hasMessageContaining("[BadSample] Row 0");
        }
    }

    @Test
    void files_of_all_formats_have_the_same_rows() throws Exception {
        for (String ending : List.of("parquet", "csv", "json", "csv.gz", "ndjson")) {
            try (Database database = Database.open();
                    var half = database.prepare(
                            "COPY (%s LIMIT 5) TO '%s'".formatted(TEN, folder.resolve("part-1." + ending)));
                    var rest = database.prepare(
                            "COPY (%s OFFSET 5) TO '%s'".formatted(TEN, folder.resolve("part-2." + ending)))) {
                half.execute();
                rest.execute();
            }
            try (SqlBatches batches = SqlBatches.ofFiles(
                            folder.resolve("part-*." + ending).toString())
                    .features("a", "b")
                    .target("y")
                    .batch(10)
                    .open()) {
                assertThat(values(input(batches.read(1, 0))))
                        .as(ending)
                        .containsExactly(
                                0.0, 0.0, 1.0, 0.25, 2.0, 0.5, 3.0, 0.75, 4.0, 1.0, 5.0, 1.25, 6.0, 1.5, 7.0, 1.75, 8.0,
                                2.0, 9.0, 2.25);
            }
        }
        assertThatThrownBy(() -> SqlBatches.ofFiles("a.csv", "b.json")
                        .features("a")
                        .target("y")
                        .open())
                .hasMessageContaining("[InvalidOption] The files a.csv, b.json are of 2 kinds");
        assertThatThrownBy(() ->
                        SqlBatches.ofFiles("a.xlsx").features("a").target("y").open())
                .hasMessageContaining("[InvalidOption] 'a.xlsx' is no table");
    }

    @Test
    void a_query_that_gives_other_rows_than_before_is_noticed() {
        // As many as before once in a hundred thousand times.
        String sql = "SELECT range AS a, 0 AS y FROM range(1000 + (SELECT CAST(random() * 100000 AS BIGINT)))";
        try (SqlBatches batches = table(sql).batch(1000000).open()) {
            assertThatThrownBy(() -> batches.read(1, 0)).hasMessageContaining("[ChangedTable] The table gave ");
        }
    }
}
