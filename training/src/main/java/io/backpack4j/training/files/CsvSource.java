// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.DataProblems;
import io.backpack4j.training.data.HostTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads a CSV file of numbers into arrays: a column named {@code target}, or else the last, holds targets, all others
 * are inputs {@code [N, D]}. The first line names columns if it holds anything but numbers. Targets that are all whole
 * and at least 0 are class indices.
 */
final class CsvSource {

    private static final String TARGET = "target";

    private CsvSource() {}

    /**
     * Reads a file.
     *
     * @throws BackpackException if a field is no number, or a line has another number of fields, with file and line
     */
    static ArraySource read(Path path) {
        List<double[]> rows = new ArrayList<>();
        int target = -1;
        int columns = 0;
        try (CsvReader<CsvRecord> reader = CsvReader.builder()
                .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                .detectBomHeader(true)
                .ofCsvRecord(path)) {
            for (CsvRecord line : reader) {
                boolean first = target < 0;
                if (first) {
                    columns = line.getFieldCount();
                    int named = line.getFields().indexOf(TARGET);
                    target = named >= 0 ? named : columns - 1;
                }
                boolean titles = first
                        && line.getFields().stream()
                                .anyMatch(field -> number(field).isEmpty());
                if (!titles) {
                    rows.add(numbers(path, line, columns));
                }
            }
        } catch (IOException | UncheckedIOException | CsvParseException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE, "File '%s' cannot be read: %s.".formatted(path, e.getMessage()), e);
        }
        if (rows.isEmpty() || columns < 2) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "File '%s' has %d lines of numbers in %d columns. It needs a line per sample, with inputs and a target."
                            .formatted(path, rows.size(), columns));
        }
        return source(rows, target);
    }

    private static double[] numbers(Path path, CsvRecord line, int columns) {
        if (line.getFieldCount() != columns) {
            throw bad(
                    path, line, "it has %d fields, but the first line has %d".formatted(line.getFieldCount(), columns));
        }
        double[] numbers = new double[columns];
        for (int i = 0; i < columns; i++) {
            String field = line.getField(i);
            int column = i;
            numbers[i] = number(field)
                    .orElseThrow(() ->
                            bad(path, line, "'%s' in column %d is no finite number".formatted(field, column + 1)));
        }
        return numbers;
    }

    private static BackpackException bad(Path path, CsvRecord line, String what) {
        return new BackpackException(
                DataProblems.BAD_SAMPLE,
                "Line %d of '%s' cannot be used: %s. Correct or remove it."
                        .formatted(line.getStartingLineNumber(), path, what));
    }

    private static Optional<Double> number(String field) {
        try {
            double value = Double.parseDouble(field.strip());
            return Double.isFinite(value) ? Optional.of(value) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static ArraySource source(List<double[]> rows, int target) {
        int columns = rows.get(0).length - 1;
        double[] inputs = new double[columns * rows.size()];
        double[] targets = new double[rows.size()];
        for (int n = 0; n < targets.length; n++) {
            double[] row = rows.get(n);
            for (int i = 0; i < columns; i++) {
                inputs[n * columns + i] = row[i < target ? i : i + 1];
            }
            targets[n] = row[target];
        }
        return ArraySource.of(new HostTensor.Doubles(Shape.of(targets.length, columns), inputs), asTargets(targets));
    }

    private static HostTensor asTargets(double[] targets) {
        long[] classes = new long[targets.length];
        for (int n = 0; n < classes.length; n++) {
            classes[n] = (long) targets[n];
            if (classes[n] != targets[n] || classes[n] < 0) {
                return new HostTensor.Doubles(Shape.of(targets.length, 1), targets);
            }
        }
        return new HostTensor.Longs(Shape.of(classes.length), classes);
    }
}
