// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Labels that cannot be audited. */
final class BadAudits {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    private static final String MEAN_SQUARES = "\"MSELoss\"";

    static {
        audit(
                "audit_loss_without_classes",
                workspace -> workspace
                        .model("\"CrossEntropyLoss\"", MEAN_SQUARES)
                        .tensor("target", new long[] {4, 2}, 0, 1, 1, 0, 0, 1, 1, 0));
        audit("audit_label_missing", workspace -> workspace.integers("target", new long[] {4}, 0, 1, -100, 0));
        audit("audit_label_out_of_range", workspace -> workspace.integers("target", new long[] {4}, 0, 2, 1, 0));
        audit(
                "audit_labels_are_probabilities",
                workspace -> workspace.tensor("target", new long[] {4, 2}, 0.5, 0.5, 1, 0, 0, 1, 1, 0));
        audit("audit_without_parameters", workspace -> workspace.withoutOption("--data"));
        audit("audit_parameter_missing", workspace -> workspace.without("2.bias"));
        audit(
                "audit_page_of_another_kind",
                workspace -> workspace.option(
                        "--out", workspace.file("page.safetensors").toString()));
        audit(
                "audit_page_nowhere",
                workspace -> workspace.option(
                        "--out", workspace.file("nowhere").resolve("page.html").toString()));
        audit(
                "audit_scores_over_data",
                workspace -> workspace.option(
                        "--scores", workspace.file("data.safetensors").toString()));
        audit(
                "audit_data_unknown",
                workspace -> workspace
                        .option("--data", workspace.file("digits").toString())
                        .option("--weights", workspace.file("data.safetensors").toString()));
        audit("audit_score_unknown", workspace -> workspace.option("--score", "entropy"));
        audit("audit_damping_negative", workspace -> workspace.option("--damping", "-1"));
        audit("audit_damping_none", workspace -> workspace.option("--damping", "0"));
    }

    private BadAudits() {}

    private static void audit(String name, Consumer<Workspace> change) {
        CASES.put(name, workspace -> {
            workspace
                    .command("audit")
                    .withoutOption("--extensions")
                    .option("--out", workspace.file("page.html").toString());
            change.accept(workspace);
        });
    }
}
