// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cli.Main;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing but commands speaks on the console: neither logging nor native libraries nor the JVM. */
class QuietTest {

    private static final String[] COMMANDS = {
        "plugins",
        "backends",
        "doctor",
        "support",
        "demo --batch 4 --extensions Variance",
        "evaluate --model model.json --data data.safetensors --out e.safetensors --extensions KFAC",
        "predict --model model.json --data data.safetensors --out p.safetensors",
        "bench --problem logreg --batch 2 --extensions gradient --repetitions 1",
        "generate-completion",
        "help evaluate",
        "--version",
    };

    @TempDir
    private Path directory;

    /** Runs commands one after another, in one JVM to save time. */
    static final class Commands {

        private Commands() {}

        public static void main(String... commands) {
            PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
            PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
            for (String command : commands) {
                out.println("exit code of '%s': %d".formatted(command, Main.run(out, err, command.split(" "))));
            }
        }
    }

    @Test
    void commands_leave_standard_error_empty() {
        new Workspace(directory);
        Run run = Run.ofProcess(Commands.class, directory, COMMANDS);
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).doesNotContain("SLF4J");
        for (String command : COMMANDS) {
            assertThat(run.out()).contains("exit code of '%s': 0\n".formatted(command));
        }
        assertThat(run.code()).isZero();
    }
}
