// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.HostTensor;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Columns that become one tensor: several of numbers, or one of lists. */
final class ColumnGroup {

    private final List<Column> columns;
    private final DType type;
    private final boolean list;
    private final Optional<Shape> wanted;

    /** The position of the first of these columns in a result, from 1 on. */
    private final int position;

    /** The shape in which a row has its numbers; of lists known from the first one on. */
    private @Nullable Shape row;

    private HostTensor values = new HostTensor.Longs(Shape.of(0), new long[0]);

    /**
     * Creates a group.
     *
     * @param type of the tensor
     * @param own the shape that a row's numbers have in the table, if it is known
     * @param wanted the shape in which they are given instead
     */
    ColumnGroup(List<Column> columns, DType type, Optional<Shape> own, Optional<Shape> wanted, int position) {
        this.columns = columns;
        this.type = type;
        this.list = columns.get(0).isList();
        this.row = own.orElse(null);
        this.wanted = wanted;
        this.position = position;
    }

    /** What of a row is selected: numbers that the driver converts itself are left as they are. */
    List<String> selected() {
        return columns.stream().map(this::selected).toList();
    }

    private String selected(Column column) {
        boolean asIs = list
                || (type != DType.INT64
                        && (column.type().equals("FLOAT") || column.type().equals("DOUBLE")));
        return asIs
                ? column.quoted()
                : "CAST(%s AS %s)".formatted(column.quoted(), type == DType.INT64 ? "BIGINT" : "DOUBLE");
    }

    /** Begins a batch. */
    void begin(int samples) {
        Shape shape = row;
        if (shape != null) {
            values = HostTensor.allocate(type, shape.prepend(samples));
        }
    }

    /**
     * Reads a row.
     *
     * @param sample its number in the batch
     * @param samples how many the batch has
     * @param name what messages call it
     */
    void read(ResultSet rows, int sample, int samples, RowName name) throws SQLException {
        if (list) {
            readList(rows, sample, samples, name);
            return;
        }
        int from = sample * columns.size();
        if (values instanceof HostTensor.Longs longs) {
            readLongs(rows, longs.values(), from, name);
        } else if (values instanceof HostTensor.Floats floats) {
            readFloats(rows, floats.values(), from, name);
        } else if (values instanceof HostTensor.Doubles doubles) {
            readDoubles(rows, doubles.values(), from, name);
        }
    }

    private void readLongs(ResultSet rows, long[] target, int from, RowName name) throws SQLException {
        for (int i = 0; i < columns.size(); i++) {
            long value = rows.getLong(position + i);
            if (value == 0 && rows.wasNull()) {
                throw missing(columns.get(i), name);
            }
            target[from + i] = value;
        }
    }

    private void readFloats(ResultSet rows, float[] target, int from, RowName name) throws SQLException {
        for (int i = 0; i < columns.size(); i++) {
            target[from + i] = (float) number(rows, i, name);
            if (!Float.isFinite(target[from + i])) {
                throw notFinite(columns.get(i), rows.getDouble(position + i), name);
            }
        }
    }

    private void readDoubles(ResultSet rows, double[] target, int from, RowName name) throws SQLException {
        for (int i = 0; i < columns.size(); i++) {
            target[from + i] = number(rows, i, name);
            if (!Double.isFinite(target[from + i])) {
                throw notFinite(columns.get(i), target[from + i], name);
            }
        }
    }

    private double number(ResultSet rows, int i, RowName name) throws SQLException {
        double value = rows.getDouble(position + i);
        // A null is zero or not a number, as the column's type has it.
        if ((value == 0 || Double.isNaN(value)) && rows.wasNull()) {
            throw missing(columns.get(i), name);
        }
        return value;
    }

    private void readList(ResultSet rows, int sample, int samples, RowName name) throws SQLException {
        Column column = columns.get(0);
        Array array = rows.getArray(position);
        if (array == null) {
            throw missing(column, name);
        }
        Object[] given = (Object[]) array.getArray();
        Shape shape = row;
        if (shape == null) {
            shape = shape(given);
            row = shape;
            begin(samples);
        }
        int elements = Math.toIntExact(shape.elements());
        int end = flatten(given, shape, 0, sample * elements, name);
        if (end != (sample + 1) * elements) {
            throw otherShape(given, name);
        }
    }

    private static Shape shape(Object[] list) {
        return list.length > 0 && element(list[0]) instanceof Object[] first
                ? shape(first).prepend(list.length)
                : Shape.of(list.length);
    }

    private static @Nullable Object element(@Nullable Object element) {
        try {
            return element instanceof Array inner ? inner.getArray() : element;
        } catch (SQLException e) {
            throw Database.unreadable(e);
        }
    }

    /** Copies numbers, and returns the place behind the last one. */
    private int flatten(Object[] given, Shape shape, int axis, int from, RowName name) {
        if (axis >= shape.rank() || given.length != shape.size(axis)) {
            throw otherShape(given, name);
        }
        int place = from;
        for (Object boxed : given) {
            Object element = element(boxed);
            if (element == null) {
                throw missing(columns.get(0), name);
            }
            if (element instanceof Object[] inner) {
                place = flatten(inner, shape, axis + 1, place, name);
            } else if (axis == shape.rank() - 1 && element instanceof Number number) {
                put(place, number, name);
                place++;
            } else {
                throw otherShape(given, name);
            }
        }
        return place;
    }

    private void put(int place, Number number, RowName name) {
        if (values instanceof HostTensor.Longs longs) {
            longs.values()[place] = number.longValue();
            return;
        }
        double value = number.doubleValue();
        boolean finite;
        if (values instanceof HostTensor.Floats floats) {
            floats.values()[place] = (float) value;
            finite = Float.isFinite((float) value);
        } else {
            ((HostTensor.Doubles) values).values()[place] = value;
            finite = Double.isFinite(value);
        }
        if (!finite) {
            throw notFinite(columns.get(0), value, name);
        }
    }

    /** What was read since a batch began. */
    HostTensor values() {
        Shape shape = values.shape();
        return wanted.map(sample -> values.as(sample.prepend(shape.size(0)))).orElse(values);
    }

    private BackpackException missing(Column column, RowName name) {
        return bad(
                name,
                "there is no value in column '%s'".formatted(column.name()),
                column.isList()
                        ? "WHERE %1$s IS NOT NULL AND NOT list_contains(%1$s, NULL)".formatted(column.quoted())
                        : "WHERE %s IS NOT NULL".formatted(column.quoted()));
    }

    private BackpackException notFinite(Column column, double value, RowName name) {
        return bad(
                name,
                "column '%s' is %s, but must be a finite number in %s".formatted(column.name(), value, type),
                "WHERE isfinite(%s)".formatted(column.quoted()));
    }

    private BackpackException otherShape(Object[] given, RowName name) {
        return bad(
                name,
                "column '%s' has a list of %d there, but the first row's is of shape %s"
                        .formatted(columns.get(0).name(), given.length, row),
                "WHERE len(%s) = %d".formatted(columns.get(0).quoted(), row == null ? 0 : row.size(0)));
    }

    private static BackpackException bad(RowName name, String what, String condition) {
        return new BackpackException(
                DataProblems.BAD_SAMPLE,
                "%s cannot be used: %s. Correct it, or leave such rows out with a query: %s."
                        .formatted(name, what, condition));
    }
}
