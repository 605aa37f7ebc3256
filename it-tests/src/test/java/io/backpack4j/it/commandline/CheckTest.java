// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code evaluate --check}. Its limits are those of the formats' description; what it compares with here is its own
 * result, moved by known amounts.
 */
class CheckTest {

    @TempDir
    private Path directory;

    private Workspace workspace;

    @BeforeEach
    void write_references() throws IOException {
        workspace = new Workspace(directory);
        assertThat(workspace.run().code()).isZero();
        Files.move(workspace.file("results.safetensors"), before());
        try (Safetensors results = Safetensors.open(before())) {
            results.tensors().forEach((name, tensor) -> {
                if (name.equals("loss") || name.equals("output") || name.endsWith("/grad")) {
                    workspace.tensor("check/" + name, tensor.shape().toArray(), results.readDoubles(name));
                }
            });
        }
    }

    @Test
    void agreeing_results_are_told_and_written() {
        Run run = workspace.argument("--check").run();
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.out()).startsWith("check: 6 tensors agree with").contains("tensors written");
        assertThat(workspace.file("results.safetensors")).exists();
    }

    @Test
    void the_result_file_may_be_left_out_with_check_only() {
        Run checked = workspace.withoutOption("--out").argument("--check").run();
        assertThat(checked.code()).as(checked.err()).isZero();
        Run plain = new Workspace(directory).withoutOption("--out").run();
        assertThat(plain.code()).isEqualTo(2);
        assertThat(plain.err()).contains("Missing required option: '--out=FILE'");
    }

    @Test
    void one_number_beyond_the_limit_fails_and_writes_nothing() {
        move("2.bias/grad", 3e-9);
        Run run = workspace.argument("--check").run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .startsWith("backpack: [CheckFailed] 1 of 6 tensors differ from 'check/…'")
                .contains("'2.bias/grad' by 3.000e-09 of its largest element (allowed: 1.000e-09)");
        assertThat(workspace.file("results.safetensors")).doesNotExist();
    }

    @Test
    void a_number_within_the_limit_passes() {
        move("2.bias/grad", 0.5e-9);
        Run run = workspace.argument("--check").run();
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.out()).contains("'2.bias/grad', differs by 5.000e-10 of its largest element");
    }

    @Test
    void single_precision_has_limits_of_its_own() {
        workspace.option("--dtype", "float32").argument("--check");
        move("2.weight/grad", 0.5e-2);
        assertThat(workspace.run().code()).isZero();
        move("loss", 0.5e-3);
        Run loss = workspace.run();
        assertThat(loss.code()).isEqualTo(1);
        assertThat(loss.err()).contains("'loss' by ").contains("of its norm (allowed: 1.000e-04)");
        move("loss", 0);
        move("2.weight/grad", 5e-2);
        assertThat(workspace.run().err()).contains("'2.weight/grad'").contains("(allowed: 0.01000)");
    }

    @Test
    void references_that_are_not_there_or_too_many_are_named() {
        workspace.argument("--check").rename("check/0.bias/grad", "check/0.bais/grad");
        Run run = workspace.run();
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .contains("has no tensor 'check/0.bias/grad'")
                .contains("has 'check/0.bais/grad', but the model has no result '0.bais/grad'");
        Run none = new Workspace(directory).argument("--check").run();
        assertThat(none.err()).contains("[MissingTensor]").contains("Export it with check=True");
    }

    @Test
    void a_zero_gradient_has_an_absolute_limit() {
        workspace.tensor("2.weight", new long[] {2, 3}, 0, 0, 0, 0, 0, 0).option("--dtype", "float64");
        workspace.argument("--check");
        assertThat(workspace.run().err()).contains("'0.weight/grad'");
        workspace.tensor("check/0.weight/grad", new long[] {3, 2}, 0, 0, 2e-12, 0, 0, 0);
        assertThat(workspace.run().err())
                .doesNotContain("where it is zero")
                .contains("'0.weight/grad' by 1.000 of its largest element");
        workspace.tensor("check/0.weight/grad", new long[] {3, 2}, 0, 0, 0.9e-12, 0, 0, 0);
        assertThat(workspace.run().err()).doesNotContain("'0.weight/grad'");
    }

    private Path before() {
        return workspace.file("before.safetensors");
    }

    /** Moves the largest element of a reference by a share of it, from where the results are. */
    private void move(String name, double share) {
        try (Safetensors results = Safetensors.open(before())) {
            double[] values = results.readDoubles(name);
            int largest = 0;
            for (int i = 0; i < values.length; i++) {
                largest = Math.abs(values[i]) > Math.abs(values[largest]) ? i : largest;
            }
            values[largest] *= 1 + share;
            workspace.tensor("check/" + name, results.tensor(name).shape().toArray(), values);
        }
    }
}
