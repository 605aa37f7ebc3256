// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.data.TableRequest;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where samples are, if they are the rows of a table, and how they are evaluated. */
final class TableOptions {

    private static final int DEFAULT_BATCH = 256;
    private static final Pattern TABLE = Pattern.compile("(?i).*\\.(parquet|[ct]sv|json|jsonl|ndjson)(\\.(gz|zst))?");
    private static final Pattern TABLE_ONLY = Pattern.compile("(?i).*\\.(parquet|[ct]sv|jsonl|ndjson)(\\.(gz|zst))?");

    @Option(
            names = "--sql",
            paramLabel = "QUERY",
            description =
                    "Samples are the rows of a query's result, such as \"SELECT * FROM 'part-*.parquet' WHERE year > 2020\".")
    private @Nullable String sql;

    @Option(
            names = "--features",
            paramLabel = "A,B,...",
            split = ",",
            description =
                    "The columns of the input: names or patterns such as 'f*', of numbers; or one of lists, whose lengths are the input's shape.")
    private List<String> features = List.of();

    @Option(
            names = "--target",
            paramLabel = "COL",
            split = ",",
            description =
                    "The column of the target: class indices, or numbers; several, or one of lists, for a loss that takes numbers.")
    private List<String> targets = List.of();

    @Option(
            names = "--id",
            paramLabel = "COL",
            description =
                    "The column of the samples' ids, integers that are all different: random draws are keyed by them, and results per sample stand in their order. The numbers of rows by default.")
    private @Nullable String id;

    @Option(
            names = "--batch",
            paramLabel = "N",
            converter = PositiveInteger.class,
            description = "How many rows a pass takes. 256 by default. Results do not depend on it.")
    private @Nullable Integer batch;

    @Option(
            names = "--workers",
            paramLabel = "K",
            converter = PositiveInteger.class,
            description =
                    "Divide the rows among so many processes, each with its share of --threads, and merge what they accumulated.")
    private @Nullable Integer workers;

    @Option(
            names = "--input-shape",
            paramLabel = "SIZES",
            description = "The shape in which the model takes a row's features, such as 1,28,28.")
    private @Nullable String inputShape;

    @Option(
            names = "--weights",
            paramLabel = "FILE",
            description = "Parameters and buffers, as safetensors. Those of the run or of the model's file by default.")
    private @Nullable Path weights;

    /** What a process of {@code --workers} does; not for users. */
    @Option(names = "--part", hidden = true, paramLabel = "FROM:COUNT")
    private @Nullable String part;

    /** Whether samples are rows of a table. */
    boolean isTable(@Nullable String data) {
        // Without columns a JSON file is a model, where data should stand.
        boolean unnamed = features.isEmpty() && targets.isEmpty();
        Pattern table = unnamed ? TABLE_ONLY : TABLE;
        return sql != null
                || (data != null
                        && Arrays.stream(data.split(","))
                                .allMatch(file -> table.matcher(file.strip()).matches()));
    }

    /** Whether a query is given. */
    boolean isQuery() {
        return sql != null;
    }

    /**
     * Refuses what has no meaning for other data.
     *
     * @param isSet whether it is a data set, whose parameters are elsewhere as those of tables are
     */
    void requireNone(String data, boolean isSet) {
        Map<String, Boolean> given = new LinkedHashMap<>();
        given.put("--features", !features.isEmpty());
        given.put("--target", !targets.isEmpty());
        given.put("--id", id != null);
        given.put("--batch", batch != null);
        given.put("--workers", workers != null);
        given.put("--input-shape", inputShape != null);
        given.put("--weights", weights != null && !isSet);
        given.put("--part", part != null);
        List<String> names = given.entrySet().stream()
                .filter(Map.Entry::getValue)
                .map(Map.Entry::getKey)
                .toList();
        if (!names.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "Only tables have %s, but '%s' is none. Name files in .parquet, .csv, .tsv, .json or .jsonl with --data, or a query with --sql; or leave it out."
                            .formatted(String.join(", ", names), data));
        }
    }

    /** Refuses a table without columns. */
    void requireColumns() {
        if (features.isEmpty() || targets.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The columns of a table must be named, but there is no %s. Say --features A,B for the input and --target COL."
                            .formatted(
                                    !features.isEmpty()
                                            ? "--target"
                                            : targets.isEmpty() ? "--features and no --target" : "--features"));
        }
    }

    TableRequest.Source source(@Nullable String data) {
        return sql != null
                ? new TableRequest.Query(sql)
                : new TableRequest.Files(Arrays.stream(String.valueOf(data).split(","))
                        .map(String::strip)
                        .toList());
    }

    List<String> features() {
        return features;
    }

    List<String> targets() {
        return targets;
    }

    Optional<String> id() {
        return Optional.ofNullable(id);
    }

    int batch() {
        return batch == null ? DEFAULT_BATCH : batch;
    }

    int workers() {
        return workers == null ? 1 : workers;
    }

    Optional<String> inputShape() {
        return Optional.ofNullable(inputShape);
    }

    Optional<Path> weights() {
        return Optional.ofNullable(weights);
    }

    /** The rows that this process reads for another one, if it does. */
    Optional<TableRequest.Rows> part() {
        return Optional.ofNullable(part).map(text -> {
            int colon = text.indexOf(':');
            return new TableRequest.Rows(
                    Long.parseLong(text.substring(0, colon)), Long.parseLong(text.substring(colon + 1)));
        });
    }
}
