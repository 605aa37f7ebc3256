// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.TableRequest;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Batches of a table's rows, in their order, in every epoch the same. Rows are read as they are needed: memory does not
 * depend on how many there are. The database is given 512 MiB, or what {@code -Dbackpack.sql.memory=2GiB} says; what a
 * query needs beyond goes to a temporary folder.
 *
 * <pre>{@code
 * try (SqlBatches batches = SqlBatches.of("SELECT * FROM 'train.parquet' WHERE year > 2020")
 *         .features("f*")
 *         .target("label")
 *         .id("id")
 *         .batch(256)
 *         .open()) {
 *     for (BatchData data : batches) {
 *         try (Batch batch = data.upload(backpack, DType.FLOAT32)) {
 *             session.add(batch);
 *         }
 *     }
 * }
 * }</pre>
 *
 * <p>A null, a number that is not finite, a list of another length than the first row's is an error that names the row.
 * A trainer takes them as {@link Batches}; to shuffle, say so in the query, such as {@code ORDER BY hash(id)}. Used by
 * one thread at a time.
 */
public final class SqlBatches implements Batches, Iterable<BatchData> {

    private final TableRequest request;
    private final Database database;
    private final String source;
    private final RowReader reader;
    private final TableRequest.Rows rows;
    private @Nullable PreparedStatement statement;
    private @Nullable ResultSet result;
    private long epoch;
    private long next;

    private SqlBatches(TableRequest request, Database database) {
        this.request = request;
        this.database = database;
        source = Source.sql(request.source());
        rows = request.rows()
                .orElseGet(() -> new TableRequest.Rows(0, database.number("SELECT count(*) FROM " + source)));
        if (rows.count() == 0) {
            throw new BackpackException(
                    DataProblems.BAD_DATA, "The table has no rows. Name other files, or select some.");
        }
        // Afterwards: of a file without rows the types of columns are not known.
        reader = new RowReader(request, Columns.of(request, database.columns("SELECT * FROM " + source)));
    }

    /** Of a query, one {@code SELECT}; files stand in it as {@code 'part-*.parquet'}. */
    public static Builder of(String sql) {
        return new Builder(new TableRequest.Query(sql));
    }

    /** Of all rows of files in Parquet, CSV or JSON, whose names may have {@code *} and {@code ?}. */
    public static Builder ofFiles(String... patterns) {
        return new Builder(new TableRequest.Files(List.of(patterns)));
    }

    /**
     * Opens a table.
     *
     * @throws BackpackException if it cannot be read, has no rows, or other columns than the request says
     */
    public static SqlBatches open(TableRequest request) {
        Database database = Database.open();
        try {
            return new SqlBatches(request, database);
        } catch (RuntimeException | Error e) {
            database.close();
            throw e;
        }
    }

    @Override
    public long perEpoch() {
        return (rows.count() + request.batch() - 1) / request.batch();
    }

    @Override
    public long samplesPerEpoch() {
        return rows.count();
    }

    @Override
    public BatchData read(long wantedEpoch, long number) {
        if (number < 0 || number >= perEpoch()) {
            throw new IllegalArgumentException("batch %d of %d".formatted(number, perEpoch()));
        }
        try {
            ResultSet current = result;
            if (current == null || wantedEpoch != epoch || number != next) {
                current = restart(number);
                epoch = wantedEpoch;
            }
            long from = number * request.batch();
            int samples = (int) Math.min(request.batch(), rows.count() - from);
            BatchData data = reader.read(current, rows.from() + from, samples);
            next = number + 1;
            boolean more = next == perEpoch() && current.next();
            if (more || data.samples() < samples) {
                throw changed(more ? rows.count() + 1 : from + data.samples());
            }
            return data;
        } catch (SQLException e) {
            throw Database.unreadable(e);
        }
    }

    private ResultSet restart(long number) throws SQLException {
        stop();
        long from = number * request.batch();
        String limit = request.rows().isPresent() ? " LIMIT " + (rows.count() - from) : "";
        long offset = rows.from() + from;
        String query = "SELECT %s FROM %s%s%s"
                .formatted(reader.selected(), source, limit, offset == 0 ? "" : " OFFSET " + offset);
        PreparedStatement prepared = database.prepare(query);
        statement = prepared;
        ResultSet started = database.run(prepared, query);
        result = started;
        return started;
    }

    private void stop() throws SQLException {
        PreparedStatement current = statement;
        if (current != null) {
            result = null;
            statement = null;
            current.close();
        }
    }

    private BackpackException changed(long found) {
        return new BackpackException(
                SqlProblems.CHANGED_TABLE,
                "The table gave %s rows, but it had %d when they were counted. It must give the same rows each time: a sample needs REPEATABLE (seed), and nobody may write the files."
                        .formatted(found > rows.count() ? "more" : String.valueOf(found), rows.count()));
    }

    /** The batches of one epoch. A later iteration reads them anew; two at a time are not possible. */
    @Override
    public Iterator<BatchData> iterator() {
        return new Iterator<>() {

            private long number;

            @Override
            public boolean hasNext() {
                return number < perEpoch();
            }

            @Override
            public BatchData next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return read(1, number++);
            }
        };
    }

    @Override
    public void close() {
        try (Database last = database) {
            stop();
        } catch (SQLException e) {
            throw Database.unreadable(e);
        }
    }

    /** What is wanted of a table: features and a target at least. */
    public static final class Builder {

        private final TableRequest.Source source;
        private String input = "input";
        private List<String> features = List.of();
        private Optional<Shape> sample = Optional.empty();
        private DType type = DType.FLOAT32;
        private List<String> targets = List.of();
        private DType targetType = DType.INT64;
        private Optional<String> id = Optional.empty();
        private int batch = 256;

        private Builder(TableRequest.Source source) {
            this.source = source;
        }

        /** The columns of the input, names or patterns: several of numbers, {@code [N, D]}, or one of lists. */
        public Builder features(String... columns) {
            features = List.of(columns);
            return this;
        }

        /** The model's name for its input, if it is not {@code input}. */
        public Builder input(String name) {
            input = name;
            return this;
        }

        /** The shape in which a sample's features are given, such as {@code [1, 28, 28]}. */
        public Builder sample(Shape shape) {
            sample = Optional.of(shape);
            return this;
        }

        /** The type of inputs, and of targets that are numbers; {@link DType#FLOAT32} if nobody says. */
        public Builder type(DType other) {
            type = other;
            return this;
        }

        /** The column of class indices, {@code [N]}. */
        public Builder target(String column) {
            targets = List.of(column);
            targetType = DType.INT64;
            return this;
        }

        /** The columns of targets that are numbers, {@code [N, D]}, or one of lists. */
        public Builder numericTargets(String... columns) {
            targets = List.of(columns);
            targetType = DType.FLOAT64;
            return this;
        }

        /** The column of the samples' ids; otherwise these are the numbers of the rows, from 0 on. */
        public Builder id(String column) {
            id = Optional.of(column);
            return this;
        }

        /** How many samples a batch has; the last one may have fewer. 256 if nobody says. */
        public Builder batch(int samples) {
            batch = samples;
            return this;
        }

        /**
         * Opens the table.
         *
         * @throws BackpackException as {@link SqlBatches#open(TableRequest)} does, or if something is missing
         */
        public SqlBatches open() {
            if (features.isEmpty() || targets.isEmpty() || batch < 1) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "A table needs features, a target and batches of at least one sample, but has features %s, targets %s and batches of %d."
                                .formatted(features, targets, batch));
            }
            return SqlBatches.open(new TableRequest(
                    source, input, features, sample, type, targets, targetType, id, batch, Optional.empty()));
        }
    }
}
