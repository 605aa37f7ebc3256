// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;

/** What a user sees of results that are in a file. */
final class ResultSummary {

    private ResultSummary() {}

    static void print(PrintWriter out, Map<String, Plan.ResultType> types, Results results, Path file) {
        Table table = new Table("parameter", "quantity", "type", "shape");
        types.forEach((name, result) -> {
            int slash = name.indexOf('/');
            if (slash >= 0) {
                String shape = result.shape().toString();
                table.row(name.substring(0, slash), name.substring(slash + 1), Text.of(result.dtype()), shape);
            }
        });
        out.println("loss " + Text.number(results.loss()));
        if (results.statistics() == BatchStatistics.CONSTANT) {
            out.println("derivatives take the batch's statistics as constants");
        }
        table.print(out);
        out.println("%d tensors written to %s".formatted(types.size(), file));
        out.flush();
    }
}
