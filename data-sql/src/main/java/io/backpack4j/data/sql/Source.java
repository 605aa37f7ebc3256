// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.data.TableRequest;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Where rows come from, as what stands behind {@code FROM}. */
final class Source {

    /** Endings and the functions that read such files. */
    private static final Map<String, String> READERS = Map.of(
            ".parquet", "read_parquet",
            ".csv", "read_csv",
            ".tsv", "read_csv",
            ".json", "read_json",
            ".jsonl", "read_json",
            ".ndjson", "read_json");

    private Source() {}

    static String sql(TableRequest.Source source) {
        if (source instanceof TableRequest.Query query) {
            // On lines of their own, so that a comment at the end stays one.
            return "(\n%s\n) AS given".formatted(query.sql().strip().replaceAll("[;\\s]+$", ""));
        }
        if (source instanceof TableRequest.Ordered ordered) {
            return "(SELECT * FROM %s ORDER BY %s) AS ordered"
                    .formatted(sql(ordered.source()), Column.quoted(ordered.column()));
        }
        List<String> patterns = ((TableRequest.Files) source).patterns();
        List<String> functions =
                patterns.stream().map(Source::function).distinct().toList();
        if (functions.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The files %s are of %d kinds, but must be of one. Join others with a query: SELECT … FROM 'a.csv' UNION ALL BY NAME SELECT … FROM 'b.json'."
                            .formatted(String.join(", ", patterns), functions.size()));
        }
        return functions.get(0)
                + patterns.stream()
                        .map(pattern -> "'" + pattern.replace("'", "''") + "'")
                        .collect(Collectors.joining(", ", "([", "])"));
    }

    private static String function(String pattern) {
        String name = pattern.toLowerCase(Locale.ROOT).replaceAll("\\.(gz|zst)$", "");
        return READERS.keySet().stream()
                .filter(name::endsWith)
                .map(READERS::get)
                .findFirst()
                .orElseThrow(() -> new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "'%s' is no table: the name of its file ends in none of %s. Name it in a query, such as SELECT … FROM read_csv('…')."
                                .formatted(pattern, String.join(", ", new TreeSet<>(READERS.keySet())))));
    }
}
