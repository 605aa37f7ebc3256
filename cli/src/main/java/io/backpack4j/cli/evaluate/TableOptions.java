// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.cli.options.TableColumns;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where samples are, if they are the rows of a table, and how they are evaluated. */
final class TableOptions {

    private static final int DEFAULT_BATCH = 256;
    private static final Pattern TABLE_ONLY = Pattern.compile("(?i).*\\.(parquet|[ct]sv|jsonl|ndjson)(\\.(gz|zst))?");

    @Mixin
    private final TableColumns columns = new TableColumns();

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
            names = "--weights",
            paramLabel = "FILE",
            description = "Parameters and buffers, as safetensors. Those of the run or of the model's file by default.")
    private @Nullable Path weights;

    /** What a process of {@code --workers} does; not for users. */
    @Option(names = "--part", hidden = true, paramLabel = "PART")
    private @Nullable String part;

    /** Whether samples are rows of a table. Without columns a JSON file is a model, where data should stand. */
    boolean isTable(@Nullable String data) {
        return columns.isTable(data, TABLE_ONLY);
    }

    TableColumns columns() {
        return columns;
    }

    /**
     * Refuses what has no meaning for other data.
     *
     * @param isSet whether it is a data set, whose parameters are elsewhere as those of tables are
     */
    void requireNone(String data, boolean isSet) {
        Map<String, Boolean> given = new LinkedHashMap<>(columns.given());
        given.put("--batch", batch != null);
        given.put("--workers", workers != null);
        given.put("--weights", weights != null && !isSet);
        given.put("--part", part != null);
        TableColumns.requireNone(given, data);
    }

    int batch() {
        return batch == null ? DEFAULT_BATCH : batch;
    }

    int workers() {
        return workers == null ? 1 : workers;
    }

    Optional<Path> weights() {
        return Optional.ofNullable(weights);
    }

    /** What this process evaluates for another one, if it does. */
    Optional<TablePart> part() {
        return Optional.ofNullable(part).map(TablePart::parse);
    }
}
