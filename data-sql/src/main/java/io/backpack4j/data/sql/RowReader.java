// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.TableRequest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes batches of rows. */
final class RowReader {

    private final String input;
    private final ColumnGroup features;
    private final ColumnGroup targets;
    private final Optional<Column> id;
    private final RowName name;

    RowReader(TableRequest request, Columns columns) {
        input = request.input();
        id = columns.id();
        boolean ordered = request.source() instanceof TableRequest.Ordered;
        name = new RowName(id.map(Column::name).orElse(""), ordered);
        int first = id.isPresent() ? 2 : 1;
        features = new ColumnGroup(
                columns.features(), request.type(), scalars(columns.features()), request.sample(), first);
        boolean classes = request.targetType() == DType.INT64;
        // A class index has no axis of its own.
        Optional<Shape> target = scalars(columns.targets()).map(shape -> classes ? Shape.of() : shape);
        targets = new ColumnGroup(
                columns.targets(),
                request.targetType(),
                target,
                Optional.empty(),
                first + columns.features().size());
        requireElements(request, columns);
    }

    private static Optional<Shape> scalars(List<Column> columns) {
        return columns.get(0).isList() ? Optional.empty() : Optional.of(Shape.of(columns.size()));
    }

    private static void requireElements(TableRequest request, Columns columns) {
        request.sample()
                .ifPresent(sample -> scalars(columns.features()).ifPresent(own -> {
                    if (own.elements() != sample.elements()) {
                        throw new BackpackException(
                                CommonProblems.SHAPE_MISMATCH,
                                "A sample of shape %s has %d numbers, but %d columns are named as features."
                                        .formatted(sample, sample.elements(), own.elements()));
                    }
                }));
    }

    /** What a query selects. */
    String selected() {
        List<String> selected = new ArrayList<>();
        id.ifPresent(column -> selected.add("CAST(%s AS BIGINT)".formatted(column.quoted())));
        selected.addAll(features.selected());
        selected.addAll(targets.selected());
        return String.join(", ", selected);
    }

    /**
     * Reads a batch.
     *
     * @param first the number of its first row
     * @param samples how many there should be; a batch of fewer says that there are no more
     * @throws BackpackException if a row cannot be used
     */
    BatchData read(ResultSet rows, long first, int samples) throws SQLException {
        long[] ids = new long[samples];
        features.begin(samples);
        targets.begin(samples);
        int read = 0;
        while (read < samples && rows.next()) {
            ids[read] = id(rows, first + read);
            name.set(first + read, ids[read]);
            features.read(rows, read, samples, name);
            targets.read(rows, read, samples, name);
            read++;
        }
        if (read < samples) {
            return new BatchData(Map.of(), targets.values(), Arrays.copyOf(ids, read));
        }
        return new BatchData(Map.of(input, features.values()), targets.values(), ids);
    }

    private long id(ResultSet rows, long number) throws SQLException {
        if (id.isEmpty()) {
            return number;
        }
        long value = rows.getLong(1);
        if (rows.wasNull()) {
            throw new BackpackException(
                    DataProblems.BAD_SAMPLE,
                    "Row %d cannot be used: there is no value in column '%s', which has the ids. Leave such rows out with a query: WHERE %s IS NOT NULL."
                            .formatted(number, id.get().name(), id.get().quoted()));
        }
        return value;
    }
}
