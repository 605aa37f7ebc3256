// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands in a JVM of their own: what is on the real streams, and the real exit codes. */
class ProcessTest {

    @TempDir
    private Path directory;

    @Test
    void evaluate_writes_results_and_nothing_to_standard_error() {
        Workspace workspace = new Workspace(directory);
        Run run = Run.ofProcess(directory, workspace.arguments());
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        assertThat(run.out()).startsWith("loss ").contains("tensors written to ");
        try (Safetensors results = Safetensors.open(workspace.file("results.safetensors"))) {
            assertThat(results.tensors()).containsKeys("loss", "0.weight/grad_batch", "2.bias/variance");
        }
    }

    @Test
    void failures_exit_with_one() {
        Workspace workspace = new Workspace(directory).option("--extensions", "BatchGrat");
        Run run = Run.ofProcess(directory, workspace.arguments());
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).singleElement().asString().startsWith("backpack: [UnknownExtension] ");
    }

    @Test
    void wrong_usage_exits_with_two() {
        Run run = Run.ofProcess(directory, "evaluate");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("backpack: Missing required option");
    }
}
