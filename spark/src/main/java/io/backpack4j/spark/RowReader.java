// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.BackpackException;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * Reads rows as Spark's engine holds them, without an object per number. Rows have the id's column first, if there is
 * one, then those of the inputs and of the target.
 *
 * @param form what a sample is
 * @param inputs where the inputs are
 * @param target where the target is
 * @param id what the column of ids holds
 */
record RowReader(SampleForm form, List<Source> inputs, Source target, Id id) implements SampleReader<InternalRow> {

    /** The seed of Spark's {@code xxhash64}. */
    private static final long HASH_SEED = 42;

    /** What a column of ids holds. */
    enum Id {
        NONE,
        NUMBER,
        TEXT
    }

    /** What the columns of an input or of the target hold. */
    enum Kind {
        /** A number in each. */
        FLOATS,
        DOUBLES,
        LONGS,
        /** All numbers in one. */
        FLOAT_ARRAY,
        DOUBLE_ARRAY,
        LONG_ARRAY,
        /** All numbers in one, as {@code ml.linalg} has them. */
        VECTOR
    }

    /**
     * Columns of an input or of the target.
     *
     * @param kind what they hold
     * @param first the position of the first one
     * @param names their names, for messages
     */
    record Source(Kind kind, int first, List<String> names) implements java.io.Serializable {}

    /** The id that Spark's {@code xxhash64} makes of a text. */
    static long hash(UTF8String text) {
        return XXH64.hashUTF8String(text, HASH_SEED);
    }

    @Override
    public long id(InternalRow row, long number) {
        if (id == Id.NONE) {
            return number;
        }
        if (row.isNullAt(0)) {
            throw new BackpackException(
                    SparkProblems.INVALID_ROW,
                    "The id of a row is null: number %d of its partition. Its other columns: %s. Filter out rows without an id."
                            .formatted(number & 0xFFFFFFFFFFL, row));
        }
        return id == Id.NUMBER ? row.getLong(0) : hash(row.getUTF8String(0));
    }

    @Override
    public void read(InternalRow row, long number, BatchArrays batch) {
        long sample = id(row, number);
        String name = id == Id.TEXT ? row.getUTF8String(0).toString() : null;
        String shown = name == null ? String.valueOf(sample) : "'%s' (%d)".formatted(name, sample);
        for (int i = 0; i < inputs.size(); i++) {
            read(row, inputs.get(i), form.inputs().get(i), batch.input(i), batch.count(), shown);
        }
        read(row, target, form.target(), batch.target(), batch.count(), shown);
        batch.added(sample, name);
    }

    private static void read(
            InternalRow row, Source source, SampleForm.Part part, Object into, int position, String sample) {
        int elements = part.elements();
        int offset = position * elements;
        switch (source.kind()) {
            case FLOATS, DOUBLES, LONGS -> readScalars(row, source, into, offset, sample);
            case VECTOR -> {
                requirePresent(row, source.first(), source.names().get(0), sample);
                readVector(row.getStruct(source.first(), 4), source, into, offset, elements, sample);
            }
            default -> {
                requirePresent(row, source.first(), source.names().get(0), sample);
                readArray(row.getArray(source.first()), source, into, offset, elements, sample);
            }
        }
    }

    private static void readScalars(InternalRow row, Source source, Object into, int offset, String sample) {
        for (int i = 0; i < source.names().size(); i++) {
            int column = source.first() + i;
            requirePresent(row, column, source.names().get(i), sample);
            if (source.kind() == Kind.LONGS) {
                Numbers.put(row.getLong(column), into, offset + i);
            } else if (source.kind() == Kind.FLOATS) {
                Numbers.put(
                        row.getFloat(column), into, offset + i, source.names().get(i), sample);
            } else {
                Numbers.put(
                        row.getDouble(column), into, offset + i, source.names().get(i), sample);
            }
        }
    }

    private static void readArray(
            ArrayData array, Source source, Object into, int offset, int elements, String sample) {
        String column = source.names().get(0);
        requireLength(array.numElements(), elements, column, sample);
        for (int i = 0; i < elements; i++) {
            if (array.isNullAt(i)) {
                throw invalid("element %d of column '%s' is null".formatted(i, column), sample);
            }
        }
        switch (source.kind()) {
            case FLOAT_ARRAY -> Numbers.copy(array.toFloatArray(), into, offset, column, sample);
            case DOUBLE_ARRAY -> Numbers.copy(array.toDoubleArray(), into, offset, column, sample);
            default -> Numbers.copy(array.toLongArray(), into, offset);
        }
    }

    /** The engine has a vector as a type, 0 for sparse ones and 1 for dense ones, a size, indices and values. */
    private static void readVector(
            InternalRow vector, Source source, Object into, int offset, int elements, String sample) {
        String column = source.names().get(0);
        double[] values = vector.getArray(3).toDoubleArray();
        if (vector.getByte(0) == 1) {
            requireLength(values.length, elements, column, sample);
            Numbers.copy(values, into, offset, column, sample);
            return;
        }
        requireLength(vector.getInt(1), elements, column, sample);
        double[] dense = new double[elements];
        int[] indices = vector.getArray(2).toIntArray();
        for (int i = 0; i < indices.length; i++) {
            dense[indices[i]] = values[i];
        }
        Numbers.copy(dense, into, offset, column, sample);
    }

    private static void requirePresent(InternalRow row, int position, String column, String sample) {
        if (row.isNullAt(position)) {
            throw invalid("column '%s' is null".formatted(column), sample);
        }
    }

    private static void requireLength(int length, int elements, String column, String sample) {
        if (length != elements) {
            throw invalid(
                    "column '%s' has %d numbers, but the model takes %d".formatted(column, length, elements), sample);
        }
    }

    static BackpackException invalid(String what, @Nullable String sample) {
        return new BackpackException(
                SparkProblems.INVALID_ROW,
                String.format(Locale.ROOT, "Sample %s: %s. Correct or filter out the row.", sample, what));
    }
}
