// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.NamePatterns;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.Suggestions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.training.data.TableRequest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The columns that a request names.
 *
 * @param features of the input
 * @param targets of the target
 * @param id of the samples' ids
 */
record Columns(List<Column> features, List<Column> targets, Optional<Column> id) {

    private static final int SHOWN = 40;

    /**
     * Finds them.
     *
     * @param all the table's
     * @throws BackpackException with all that are not there, or hold something else than is needed
     */
    static Columns of(TableRequest request, List<Column> all) {
        Problems problems = new Problems();
        Set<String> named = new LinkedHashSet<>(request.targets());
        request.id().ifPresent(named::add);
        List<Column> targets = new ArrayList<>();
        request.targets().forEach(name -> problems.collect(() -> targets.add(named(name, "target", all))));
        List<Column> ids = new ArrayList<>();
        request.id().ifPresent(name -> problems.collect(() -> ids.add(named(name, "id", all))));
        // A pattern such as * takes what is left.
        List<Column> others =
                all.stream().filter(column -> !named.contains(column.name())).toList();
        Set<Column> features = new LinkedHashSet<>();
        for (String name : request.features()) {
            boolean pattern = name.contains("*") || name.contains("?");
            problems.collect(() -> {
                if (pattern) {
                    features.addAll(matching(name, others, all));
                } else {
                    features.add(named(name, "feature", all));
                }
            });
        }
        problems.throwIfAny();
        Columns columns =
                new Columns(List.copyOf(features), targets, ids.stream().findFirst());
        columns.requireTypes(request, problems);
        problems.throwIfAny();
        return columns;
    }

    private static Column named(String name, String role, List<Column> all) {
        List<String> names = all.stream().map(Column::name).toList();
        return all.stream()
                .filter(column -> column.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new BackpackException(
                        SqlProblems.UNKNOWN_COLUMN,
                        "The table has no column '%s', which is named as %s. %sIts columns are: %s."
                                .formatted(name, role, Suggestions.didYouMean(name, names), shown(names))));
    }

    private static List<Column> matching(String pattern, List<Column> others, List<Column> all) {
        List<Column> matching = others.stream()
                .filter(column -> NamePatterns.matches(pattern, column.name()))
                .toList();
        if (matching.isEmpty()) {
            throw new BackpackException(
                    SqlProblems.UNKNOWN_COLUMN,
                    "No column of the table matches '%s', beside target and id. Its columns are: %s."
                            .formatted(
                                    pattern,
                                    shown(all.stream().map(Column::name).toList())));
        }
        return matching;
    }

    private static String shown(List<String> names) {
        return names.stream().limit(SHOWN).collect(Collectors.joining(", "))
                + (names.size() > SHOWN ? ", … (%d in all)".formatted(names.size()) : "");
    }

    private void requireTypes(TableRequest request, Problems problems) {
        boolean integers = request.type() == DType.INT64;
        for (Column feature : features) {
            problems.collect(() -> requireNumbers(feature, "feature", integers));
        }
        boolean classes = request.targetType() == DType.INT64;
        for (Column target : targets) {
            problems.collect(() -> requireNumbers(target, "target", classes));
        }
        if (classes && targets.size() > 1) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "The loss takes class indices, which are one column, but %d are named as targets: %s."
                            .formatted(
                                    targets.size(),
                                    shown(targets.stream().map(Column::name).toList())));
        }
        problems.collect(() -> requireAlone(features, "feature"));
        problems.collect(() -> requireAlone(targets, "target"));
        id.filter(column -> !column.isInteger() || column.isList()).ifPresent(column -> {
            throw new BackpackException(
                    SqlProblems.WRONG_COLUMN,
                    "Column %s is named as id, but ids are integers. Make some in a query, such as SELECT CAST(hash(%s) >> 1 AS BIGINT) AS id."
                            .formatted(column, column.quoted()));
        });
    }

    private static void requireNumbers(Column column, String role, boolean integers) {
        String name = column.quoted();
        if (!column.isNumber()) {
            throw new BackpackException(
                    SqlProblems.WRONG_COLUMN,
                    "Column %s is named as %s, but holds no numbers. Make some of it in a query: SELECT list_position(['first', 'second'], %s) - 1 AS label makes class indices of words, CAST(%s AS DOUBLE) numbers of digits."
                            .formatted(column, role, name, name));
        }
        if (integers && !column.isInteger()) {
            throw new BackpackException(
                    SqlProblems.WRONG_COLUMN,
                    "Column %s is named as %s, but the model takes integers there. Convert it in a query, such as SELECT CAST(%s AS BIGINT) AS %s."
                            .formatted(column, role, name, name));
        }
    }

    private static void requireAlone(List<Column> columns, String role) {
        if (columns.size() > 1) {
            columns.stream().filter(Column::isList).findFirst().ifPresent(list -> {
                throw new BackpackException(
                        SqlProblems.WRONG_COLUMN,
                        "Column %s is named as %s and holds lists, but %d columns are named: it must be one of lists, or some of numbers. Join them in a query, such as SELECT list_concat(a, b)."
                                .formatted(list, role, columns.size()));
            });
        }
    }
}
