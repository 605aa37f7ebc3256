// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.Model;
import io.backpack4j.spark.RowReader.Id;
import io.backpack4j.spark.RowReader.Kind;
import io.backpack4j.spark.RowReader.Source;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;

/** Finds out how a model's samples stand in a table's columns, and selects these. */
final class Columns {

    private static final String VECTOR = ".linalg.VectorUDT";

    private final Dataset<Row> data;
    private final Model model;
    private final Problems problems = new Problems();
    private final List<Column> selected = new ArrayList<>();

    private Columns(Dataset<Row> data, Model model) {
        this.data = data;
        this.model = model;
    }

    /**
     * What was found.
     *
     * @param rows the columns that are read
     * @param reader how
     */
    record Found(Dataset<Row> rows, RowReader reader) {}

    /**
     * Finds the columns.
     *
     * @throws BackpackException with everything that does not fit
     */
    static Found find(Dataset<Row> data, SampleColumns columns, Model model) {
        return new Columns(data, model).find(columns);
    }

    private Found find(SampleColumns columns) {
        Id id = columns.id().map(this::id).orElse(Id.NONE);
        List<SampleForm.Part> parts = new ArrayList<>();
        List<Source> sources = new ArrayList<>();
        List<String> inputs = model.graph().inputs();
        for (String unknown : columns.inputs().keySet()) {
            if (!inputs.contains(unknown)) {
                problem("The model has no input '%s'. Its inputs: %s.".formatted(unknown, String.join(", ", inputs)));
            }
        }
        for (int i = 0; i < inputs.size(); i++) {
            List<String> names = columns.inputs().getOrDefault(inputs.get(i), List.of());
            if (names.isEmpty()) {
                problem("No columns are named for the model's input '%s'. Name them with SampleColumns.input."
                        .formatted(inputs.get(i)));
                continue;
            }
            Shape shape = model.inputShapes().get(i);
            int first = selected.size();
            String input = inputs.get(i);
            input(input, names, shape).ifPresent(kind -> {
                sources.add(new Source(kind, first, names));
                parts.add(new SampleForm.Part(input, SparkModel.sizes(shape), kind == Kind.LONG_ARRAY));
            });
        }
        int first = selected.size();
        Optional<Target> target = target(columns.target());
        problems.throwIfAny();
        Target found = target.orElseThrow();
        SampleForm form = new SampleForm(model.dtype(), List.copyOf(parts), found.part());
        RowReader reader =
                new RowReader(form, List.copyOf(sources), new Source(found.kind(), first, columns.target()), id);
        return new Found(data.select(selected.toArray(Column[]::new)), reader);
    }

    private void problem(String message) {
        problems.add(SparkProblems.INVALID_COLUMNS, message);
    }

    private Id id(String name) {
        Optional<DataType> type = type(name);
        if (type.isEmpty()) {
            return Id.NONE;
        }
        if (type.get() instanceof StringType) {
            selected.add(data.col(name));
            return Id.TEXT;
        }
        if (type.get() instanceof IntegralType) {
            selected.add(data.col(name).cast(DataTypes.LongType));
            return Id.NUMBER;
        }
        problem("Column '%s' holds %s, but ids are whole numbers or text. Cast it, or name another one."
                .formatted(name, type.get().simpleString()));
        return Id.NONE;
    }

    /** The type of a column; reported if there is none. */
    private Optional<DataType> type(String name) {
        try {
            return Optional.of(data.select(data.col(name)).schema().fields()[0].dataType());
        } catch (Exception e) {
            problem("The table has no column '%s'. Its columns: %s."
                    .formatted(name, String.join(", ", data.columns())));
            return Optional.empty();
        }
    }

    private Optional<Kind> input(String input, List<String> names, Shape shape) {
        Optional<Kind> kind = kind("input '" + input + "'", names);
        kind.filter(Columns::isSingle)
                .filter(single -> names.size() != shape.elements())
                .ifPresent(single ->
                        problem("%d columns are named for input '%s', but it has shape %s, that is %d numbers."
                                .formatted(names.size(), input, shape, shape.elements())));
        if (kind.isPresent() && isSingle(kind.get())) {
            boolean narrow = model.dtype() == DType.FLOAT32;
            DataType type = narrow ? DataTypes.FloatType : DataTypes.DoubleType;
            names.forEach(name -> selected.add(data.col(name).cast(type)));
            return Optional.of(narrow ? Kind.FLOATS : Kind.DOUBLES);
        }
        kind.ifPresent(whole -> selectWhole(names.get(0), whole));
        return kind;
    }

    private static boolean isSingle(Kind kind) {
        return kind == Kind.DOUBLES || kind == Kind.LONGS;
    }

    private void selectWhole(String name, Kind kind) {
        Column column = data.col(name);
        DataType element = switch (kind) {
            case FLOAT_ARRAY -> DataTypes.FloatType;
            case DOUBLE_ARRAY -> DataTypes.DoubleType;
            default -> DataTypes.LongType;
        };
        selected.add(kind == Kind.VECTOR ? column : column.cast(DataTypes.createArrayType(element)));
    }

    /** What columns hold, numbers of one each being whole or not; reported if they hold something else. */
    private Optional<Kind> kind(String what, List<String> names) {
        List<Optional<DataType>> types = names.stream().map(this::type).toList();
        if (types.stream().anyMatch(Optional::isEmpty)) {
            return Optional.empty();
        }
        List<DataType> known = types.stream().map(Optional::orElseThrow).toList();
        if (known.stream().allMatch(type -> type instanceof NumericType || type instanceof BooleanType)) {
            boolean whole =
                    known.stream().allMatch(type -> type instanceof IntegralType || type instanceof BooleanType);
            return Optional.of(whole ? Kind.LONGS : Kind.DOUBLES);
        }
        DataType only = known.get(0);
        if (known.size() == 1 && only.getClass().getName().endsWith(VECTOR)) {
            return Optional.of(Kind.VECTOR);
        }
        if (known.size() == 1
                && only instanceof ArrayType array
                && array.elementType() instanceof NumericType element) {
            if (element instanceof IntegralType) {
                return Optional.of(Kind.LONG_ARRAY);
            }
            return Optional.of(element instanceof FloatType ? Kind.FLOAT_ARRAY : Kind.DOUBLE_ARRAY);
        }
        List<String> shown = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            shown.add("'%s' of %s".formatted(names.get(i), known.get(i).simpleString()));
        }
        problem(
                "The %s is to be made of %s, but is made of numbers, one column each, or of one array or vector of them. Cast or select others."
                        .formatted(what, String.join(", ", shown)));
        return Optional.empty();
    }

    /**
     * The target that was found.
     *
     * @param kind what its columns hold
     * @param part what the loss takes
     */
    private record Target(Kind kind, SampleForm.Part part) {}

    private Optional<Target> target(List<String> names) {
        if (names.isEmpty()) {
            problem("No column is named for the target. Name it with SampleColumns.target.");
            return Optional.empty();
        }
        Optional<Kind> found = kind("target", names);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Kind kind = found.get();
        Optional<SampleForm.Part> part = TargetForm.find(
                model.loss(),
                model.outputShape(),
                model.dtype(),
                kind == Kind.LONGS || kind == Kind.LONG_ARRAY,
                isSingle(kind) ? names.size() : -1);
        if (part.isEmpty()) {
            problem("%s of an output of shape %s takes no target made of %s."
                    .formatted(model.loss().type(), model.outputShape(), String.join(", ", names)));
            return Optional.empty();
        }
        if (isSingle(kind)) {
            DataType type = kind == Kind.LONGS ? DataTypes.LongType : DataTypes.DoubleType;
            names.forEach(name -> selected.add(data.col(name).cast(type)));
        } else {
            selectWhole(names.get(0), kind);
        }
        return Optional.of(new Target(kind, part.get()));
    }
}
