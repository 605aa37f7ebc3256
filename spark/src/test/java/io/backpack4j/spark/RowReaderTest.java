// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Graph;
import io.backpack4j.spark.RowReader.Id;
import io.backpack4j.spark.RowReader.Kind;
import io.backpack4j.spark.RowReader.Source;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.junit.jupiter.api.Test;

class RowReaderTest {

    private static final long HASH_OF_TEXT = -2849165235559981205L;
    private static final long HASH_OF_NOTHING = -7444071767201028348L;

    private static RowReader reader(Kind features, List<String> names, Kind label, Id id) {
        int first = id == Id.NONE ? 0 : 1;
        SampleForm form = new SampleForm(
                DType.FLOAT32,
                List.of(new SampleForm.Part(Graph.INPUT, new long[] {3}, features == Kind.LONG_ARRAY)),
                new SampleForm.Part("target", new long[0], true));
        return new RowReader(
                form,
                List.of(new Source(features, first, names)),
                new Source(label, first + names.size(), List.of("label")),
                id);
    }

    private static InternalRow row(Object... values) {
        return new GenericInternalRow(values);
    }

    private static InternalRow sparse(int size, int[] indices, double... values) {
        return row((byte) 0, size, new GenericArrayData(indices), new GenericArrayData(values));
    }

    private static InternalRow dense(double... values) {
        return row((byte) 1, null, null, new GenericArrayData(values));
    }

    private static BatchArrays read(RowReader reader, InternalRow... rows) {
        BatchArrays arrays = new BatchArrays(reader.form(), rows.length);
        for (InternalRow row : rows) {
            reader.read(row, 100 + arrays.count(), arrays);
        }
        return arrays;
    }

    @Test
    void numbers_stand_in_columns_arrays_and_vectors() {
        RowReader scalars = reader(Kind.FLOATS, List.of("a", "b", "c"), Kind.LONGS, Id.NUMBER);
        BatchArrays arrays = read(scalars, row(7L, 1f, 2f, 3f, 1L), row(-1L, 4f, 5f, 6f, 2L));
        assertThat((float[]) arrays.input(0)).containsExactly(1, 2, 3, 4, 5, 6);
        assertThat((long[]) arrays.target()).containsExactly(1, 2);
        assertThat(arrays.id(1)).isEqualTo(-1);

        RowReader doubles = reader(Kind.DOUBLE_ARRAY, List.of("x"), Kind.DOUBLES, Id.NONE);
        arrays = read(doubles, row(new GenericArrayData(new double[] {1.5, 2.5, 3.5}), 2.0));
        assertThat((float[]) arrays.input(0)).containsExactly(1.5f, 2.5f, 3.5f);
        assertThat((long[]) arrays.target()).containsExactly(2);
        assertThat(arrays.id(0)).isEqualTo(100);

        RowReader vectors = reader(Kind.VECTOR, List.of("x"), Kind.LONGS, Id.NONE);
        arrays = read(vectors, row(dense(1, 2, 3), 0L), row(sparse(3, new int[] {2}, 9), 1L));
        assertThat((float[]) arrays.input(0)).containsExactly(1, 2, 3, 0, 0, 9);

        RowReader integers = reader(Kind.LONG_ARRAY, List.of("x"), Kind.LONGS, Id.NONE);
        arrays = read(integers, row(new GenericArrayData(new long[] {1L << 60, 2, 3}), 0L));
        assertThat((long[]) arrays.input(0)).containsExactly(1L << 60, 2, 3);
    }

    /** What Spark says of {@code SELECT xxhash64('ä-17'), xxhash64('')}; with the engine, it is asked. */
    @Test
    void texts_are_hashed_as_sql_does() {
        assertThat(RowReader.hash(UTF8String.fromString("ä-17"))).isEqualTo(HASH_OF_TEXT);
        assertThat(RowReader.hash(UTF8String.fromString(""))).isEqualTo(HASH_OF_NOTHING);
        RowReader reader = reader(Kind.FLOATS, List.of("a", "b", "c"), Kind.LONGS, Id.TEXT);
        BatchArrays arrays = read(reader, row(UTF8String.fromString("ä-17"), 1f, 2f, 3f, 0L));
        assertThat(arrays.id(0)).isEqualTo(HASH_OF_TEXT);
        assertThat(arrays.name(0)).isEqualTo("ä-17");
    }

    @Test
    void what_is_missing_or_too_long_is_said_with_the_sample() {
        RowReader scalars = reader(Kind.FLOATS, List.of("a", "b", "c"), Kind.LONGS, Id.NUMBER);
        assertMessage(scalars, row(7L, 1f, null, 3f, 1L), "Sample 7: column 'b' is null");
        assertMessage(scalars, row(7L, 1f, 2f, 3f, null), "Sample 7: column 'label' is null");
        assertMessage(scalars, row(null, 1f, 2f, 3f, 1L), "The id of a row is null");
        RowReader arrays = reader(Kind.FLOAT_ARRAY, List.of("x"), Kind.LONGS, Id.TEXT);
        UTF8String id = UTF8String.fromString("n");
        assertMessage(arrays, row(id, null, 1L), "Sample 'n' (");
        assertMessage(
                arrays,
                row(id, new GenericArrayData(new Object[] {1f, null, 3f}), 1L),
                "element 1 of column 'x' is null");
        assertMessage(
                arrays,
                row(id, new GenericArrayData(new float[] {1, 2}), 1L),
                "column 'x' has 2 numbers, but the model takes 3");
        RowReader vectors = reader(Kind.VECTOR, List.of("x"), Kind.DOUBLES, Id.NUMBER);
        assertMessage(vectors, row(7L, sparse(4, new int[0]), 1.0), "column 'x' has 4 numbers, but the model takes 3");
        assertMessage(vectors, row(7L, dense(1, 2), 1.0), "column 'x' has 2 numbers");
        assertMessage(vectors, row(7L, dense(1, 2, 3), 1.25), "column 'label' is 1.25, but must be a whole number");
    }

    private static void assertMessage(RowReader reader, InternalRow row, String message) {
        assertThatThrownBy(() -> read(reader, row))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[InvalidRow] ")
                .hasMessageContaining(message);
    }
}
