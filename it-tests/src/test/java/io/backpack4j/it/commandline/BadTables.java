// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Tables that are wrong, and options that do not go with them. */
final class BadTables {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    private static final String GOOD = """
            id,a,b,label,name
            7,0.5,-1,0,x
            8,2,0.25,1,y
            9,-0.75,1,1,z
            """;

    static {
        table("table_column_unknown", GOOD, with("--features", "a,c"));
        table("table_columns_unmatched", GOOD, with("--features", "pixel*"));
        table("table_value_missing", GOOD.replace("2,0.25", ",0.25"), with("--id", "id"));
        table("table_value_missing_without_ids", GOOD.replace("2,0.25", ",0.25"), all -> {});
        table("table_value_not_finite", GOOD.replace("2,0.25", "nan,0.25"), all -> {});
        table("table_target_missing", GOOD.replace("1,z", ",z"), all -> {});
        table("table_target_in_words", GOOD, with("--target", "name"));
        table("table_target_fraction", GOOD.replace("1,z", "1.5,z"), all -> {});
        table("table_targets_several", GOOD, with("--target", "label,id"));
        table("table_class_out_of_range", GOOD.replace("1,z", "2,z"), with("--id", "id"));
        table("table_id_twice", GOOD.replace("9,", "7,"), with("--id", "id"));
        table("table_ids_in_words", GOOD, with("--id", "name"));
        table("table_features_too_few", GOOD, with("--features", "a"));
        table("table_shape_of_others", GOOD, with("--input-shape", "3,3"));
        table("table_empty", GOOD.substring(0, GOOD.indexOf('\n') + 1), all -> {});
        table(
                "table_without_columns",
                GOOD,
                all -> all.withoutOption("--features").withoutOption("--target"));
        table("table_without_weights", GOOD, all -> all.withoutOption("--weights"));
        table("table_batch_of_none", GOOD, with("--batch", "0"));
        table("table_check", GOOD, all -> all.argument("--check"));
        table("table_not_merged", GOOD, with("--extensions", "KFRA"));
        table("table_too_many_results", GOOD, with("--max-output", "100"));
        table("table_file_missing", GOOD, with("--data", "nowhere-*.parquet"));
        table("table_and_query", GOOD, with("--sql", "SELECT 1"));
        table("query_broken", GOOD, all -> all.withoutOption("--data").option("--sql", "SELEKT 1 AS a"));
        table("query_that_changes", GOOD, all -> all.withoutOption("--data").option("--sql", "DROP TABLE data"));
        CASES.put(
                "table_options_without_table",
                workspace -> workspace.option("--features", "a,b").option("--workers", "2"));
        CASES.put("data_nowhere", workspace -> workspace.withoutOption("--data"));
    }

    private BadTables() {}

    private static Consumer<Workspace> with(String option, String value) {
        return workspace -> workspace.option(option, value);
    }

    private static void table(String name, String csv, Consumer<Workspace> change) {
        CASES.put(name, workspace -> {
            TensorFile.write(workspace.file("table.csv"), csv.getBytes(StandardCharsets.UTF_8));
            change.accept(workspace
                    .option("--data", workspace.file("table.csv").toString())
                    .option("--weights", workspace.file("data.safetensors").toString())
                    .option("--features", "a,b")
                    .option("--target", "label"));
        });
    }
}
