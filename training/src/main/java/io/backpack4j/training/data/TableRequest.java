// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;

/**
 * What is wanted of a table.
 *
 * @param source where its rows are
 * @param input the model's name for its input
 * @param features the columns of the input, names or patterns with {@code *} and {@code ?}: several of numbers, or one
 *     of lists
 * @param sample the shape of a sample's input; if empty, {@code [D]} for D columns, or that of the first row's list
 * @param type of the inputs, and of targets that are no class indices
 * @param targets the columns of the target
 * @param targetType {@link DType#INT64} for class indices {@code [N]}, else real numbers {@code [N, D]}
 * @param id the column of the samples' ids; if empty, they are the numbers of the rows, from 0 on
 * @param batch how many samples a batch has; the last one may have fewer
 * @param rows which ones are read; if empty, all
 */
public record TableRequest(
        Source source,
        String input,
        List<String> features,
        Optional<Shape> sample,
        DType type,
        List<String> targets,
        DType targetType,
        Optional<String> id,
        int batch,
        Optional<Rows> rows) {

    public TableRequest {
        features = List.copyOf(features);
        targets = List.copyOf(targets);
    }

    /** Where rows are. */
    public sealed interface Source {}

    /**
     * Files.
     *
     * @param patterns their names, in which {@code *} and {@code ?} may stand, in this order
     */
    public record Files(List<String> patterns) implements Source {

        public Files {
            patterns = List.copyOf(patterns);
        }
    }

    /**
     * The result of a query.
     *
     * @param sql one {@code SELECT}
     */
    public record Query(String sql) implements Source {}

    /**
     * The rows of another source in the order of a column.
     *
     * @param column of whole numbers
     */
    public record Ordered(Source source, String column) implements Source {}

    /**
     * Some neighbouring rows.
     *
     * @param from the number of the first one, from 0 on
     * @param count how many
     */
    public record Rows(long from, long count) {}

    /** The same of some rows only. */
    public TableRequest only(Rows some) {
        return new TableRequest(
                source, input, features, sample, type, targets, targetType, id, batch, Optional.of(some));
    }

    /** The same in the order of ids; of rows that have none but their numbers, it is this one. */
    public TableRequest inOrderOfIds() {
        return id.<TableRequest>map(column -> new TableRequest(
                        new Ordered(source, column),
                        input,
                        features,
                        sample,
                        type,
                        targets,
                        targetType,
                        id,
                        batch,
                        rows))
                .orElse(this);
    }
}
