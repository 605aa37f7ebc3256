// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.ArraySeq;

/**
 * Results of single samples as columns of a table: the id, and a column per tensor, under its name.
 *
 * @param id the name of the column of ids
 * @param text whether ids are texts
 * @param columns the tensors
 */
record SampleResults(String id, boolean text, List<Column> columns) implements Serializable {

    /**
     * A tensor with an entry per sample.
     *
     * @param name its name
     * @param axis the axis of samples
     * @param elements how many numbers a sample has; one is a number, more are an array, row-major
     * @param dtype their type
     */
    record Column(String name, int axis, long elements, DType dtype) implements Serializable {

        DataType type() {
            DataType number = switch (dtype) {
                case FLOAT32 -> DataTypes.FloatType;
                case FLOAT64 -> DataTypes.DoubleType;
                case INT64 -> DataTypes.LongType;
            };
            return elements == 1 ? number : DataTypes.createArrayType(number, false);
        }
    }

    /**
     * Works out the columns of results of two sizes, which differ in the axis of samples.
     *
     * @param few the shapes of some samples' results
     * @param more those of others, as many as another number
     * @param dtypes the types
     */
    static SampleResults of(
            String id, boolean text, Map<String, Shape> few, Map<String, Shape> more, Map<String, DType> dtypes) {
        List<Column> columns = new ArrayList<>();
        few.forEach((name, shape) -> {
            Shape other = Objects.requireNonNull(more.get(name));
            for (int axis = 0; axis < shape.rank(); axis++) {
                if (shape.size(axis) != other.size(axis)) {
                    long elements = shape.elements() / shape.size(axis);
                    columns.add(new Column(name, axis, elements, Objects.requireNonNull(dtypes.get(name))));
                    return;
                }
            }
        });
        return new SampleResults(id, text, columns);
    }

    /** The table's schema. */
    StructType schema() {
        StructType schema = new StructType().add(id, text ? DataTypes.StringType : DataTypes.LongType, false);
        for (Column column : columns) {
            schema = schema.add(column.name(), column.type(), false);
        }
        return schema;
    }

    /** The rows of a batch's samples. */
    List<Row> rows(Results results, BatchArrays samples) {
        List<Object> arrays = new ArrayList<>();
        for (Column column : columns) {
            arrays.add(array(Objects.requireNonNull(results.tensors().get(column.name()))));
        }
        List<Row> rows = new ArrayList<>();
        for (int sample = 0; sample < samples.count(); sample++) {
            Object[] values = new Object[1 + columns.size()];
            values[0] = text ? Objects.requireNonNull(samples.name(sample)) : (Object) samples.id(sample);
            for (int i = 0; i < columns.size(); i++) {
                Column column = columns.get(i);
                Tensor tensor = Objects.requireNonNull(results.tensors().get(column.name()));
                values[i + 1] = entry(column, arrays.get(i), tensor.shape(), sample);
            }
            rows.add(RowFactory.create(values));
        }
        return rows;
    }

    private static Object array(Tensor tensor) {
        return switch (tensor.dtype()) {
            case FLOAT32 -> tensor.toFloatArray();
            case FLOAT64 -> tensor.toDoubleArray();
            case INT64 -> tensor.toLongArray();
        };
    }

    private static Object entry(Column column, Object array, Shape shape, int sample) {
        if (column.elements() == 1) {
            return java.lang.reflect.Array.get(array, sample);
        }
        int count = (int) shape.size(column.axis());
        int outer = (int) shape.elements(0, column.axis());
        int inner = (int) shape.elements(column.axis() + 1, shape.rank());
        Object entry = java.lang.reflect.Array.newInstance(
                array.getClass().getComponentType(), Math.multiplyExact(outer, inner));
        for (int i = 0; i < outer; i++) {
            System.arraycopy(array, (i * count + sample) * inner, entry, i * inner, inner);
        }
        return ArraySeq.unsafeWrapArray(entry);
    }
}
