// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.TableReader;
import io.backpack4j.training.data.TableRequest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which columns of a table samples are made of. */
public final class TableColumns {

    private static final Pattern TABLE = Pattern.compile("(?i).*\\.(parquet|[ct]sv|json|jsonl|ndjson)(\\.(gz|zst))?");

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
            names = "--input-shape",
            paramLabel = "SIZES",
            description = "The shape in which the model takes a row's features, such as 1,28,28.")
    private @Nullable String inputShape;

    /**
     * Whether samples are rows of a table.
     *
     * @param unnamed files that are tables even if no columns are named, which is an error of its own then
     */
    public boolean isTable(@Nullable String data, Pattern unnamed) {
        return sql != null || areTables(data, unnamed);
    }

    /** Whether files, with commas between them, are tables; see {@link #isTable}. */
    public boolean areTables(@Nullable String data, Pattern unnamed) {
        Pattern table = features.isEmpty() && targets.isEmpty() ? unnamed : TABLE;
        return data != null
                && Arrays.stream(data.split(","))
                        .allMatch(file -> table.matcher(file.strip()).matches());
    }

    /** Whether a query is given. */
    public boolean isQuery() {
        return sql != null;
    }

    /** The options that have a meaning for tables only, and whether they are given. */
    public Map<String, Boolean> given() {
        Map<String, Boolean> given = new LinkedHashMap<>();
        given.put("--features", !features.isEmpty());
        given.put("--target", !targets.isEmpty());
        given.put("--id", id != null);
        given.put("--input-shape", inputShape != null);
        return given;
    }

    /**
     * Refuses options that have no meaning for other data.
     *
     * @param given options, and whether they are given
     */
    public static void requireNone(Map<String, Boolean> given, String data) {
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
    public void requireColumns() {
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

    private TableRequest.Source source(@Nullable String data) {
        return data == null
                ? new TableRequest.Query(Objects.requireNonNull(sql))
                : new TableRequest.Files(
                        Arrays.stream(data.split(",")).map(String::strip).toList());
    }

    /**
     * What a model wants of a table.
     *
     * @param dtype that the model computes with
     * @param data files; those of the query if null
     * @param rows which ones are wanted; if empty, all
     * @throws BackpackException if the model has several inputs
     */
    public TableRequest request(
            Catalog catalog,
            ModelDescription model,
            DType dtype,
            @Nullable String data,
            int batch,
            Optional<TableRequest.Rows> rows) {
        requireOneInput(model);
        List<String> inputs = model.inputs();
        Graph graph = catalog.graph(model);
        Loss loss = catalog.loss(model.loss());
        return new TableRequest(
                source(data),
                inputs.get(0),
                features,
                Optional.ofNullable(inputShape)
                        .map(text -> InputShapes.read(List.of(text), inputs, Map.of())
                                .get(0)),
                takesIntegers(graph, inputs.get(0)) ? DType.INT64 : dtype,
                targets,
                takesClasses(loss) ? DType.INT64 : DType.FLOAT64,
                Optional.ofNullable(id),
                batch,
                rows);
    }

    /** Refuses a model whose inputs are more than a row has. */
    public static void requireOneInput(ModelDescription model) {
        List<String> inputs = model.inputs();
        if (inputs.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The rows of a table are one input, but the model has %d: %s. Write a safetensors file with a tensor for each, and name it with --data."
                            .formatted(inputs.size(), String.join(", ", inputs)));
        }
    }

    /** Looks for what reads tables. */
    public static TableReader reader(Catalog catalog) {
        return catalog.services(TableReader.class).stream()
                .findFirst()
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED,
                                "Nothing on the class path reads tables. Put the jars backpack4j-data-sql and duckdb_jdbc there, for instance with --plugins DIR."));
    }

    /** Whether a loss takes an index for one sample's output of two classes. */
    private static boolean takesClasses(Loss loss) {
        try {
            loss.validate(Shape.of(1, 2), Shape.of(1), DType.INT64);
            return true;
        } catch (BackpackException e) {
            return false;
        }
    }

    private static boolean takesIntegers(Graph graph, String input) {
        return graph.nodes().stream()
                .anyMatch(node -> IntStream.range(0, node.inputs().size())
                        .anyMatch(i -> node.inputs().get(i).equals(input)
                                && node.module().takesIntegers(i, node.inputs().size())));
    }
}
