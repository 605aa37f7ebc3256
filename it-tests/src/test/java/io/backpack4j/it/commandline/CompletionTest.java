// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.kernel.BackPack;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The completion script, as bash runs it. */
class CompletionTest {

    private static String script;

    @TempDir
    private Path directory;

    @BeforeAll
    static void generate() {
        Run run = Run.of("generate-completion");
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        script = run.out();
    }

    @Test
    void the_script_names_every_extension_and_backend_on_the_class_path() {
        try (BackPack backpack = BackPack.builder().build()) {
            assertThat(backpack.catalog().extensionTypes())
                    .isNotEmpty()
                    .allSatisfy(type -> assertThat(script).contains("\"" + type + "\""));
            assertThat(backpack.catalog().backends())
                    .isNotEmpty()
                    .allSatisfy(backend -> assertThat(script).contains("\"" + backend.id() + "\""));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "eval | evaluate",
                "generate- | generate-completion",
                "help eval | evaluate",
                "evaluate --extensions BatchDiagH | BatchDiagHessian",
                "evaluate --extensions BatchL2Grad,Varia | BatchL2Grad,Variance",
                "demo --extensions KFA | KFAC",
                "bench --extensions SumGradS | SumGradSquared",
                "demo --backend cp | cpu",
                "--backend cp | cpu",
                "evaluate --dtype float | float32 float64",
                "bench --dtype float6 | float64",
                "evaluate --mode e | eval",
                "predict --mode t | train",
                "evaluate --statistics c | constant",
                "evaluate --precision b | bf16_fast",
                "predict --nan ig | ignore",
                "demo --model l | logreg lenet",
                "demo --model own | own.json",
                "demo --data own | own.json",
                "help generate- | generate-completion",
                "evaluate --model own | own.json",
                "bench --problem 3 | 3c3d",
                "bench --products pch_a | pch_abs",
                "bench --products ggn,hes | ggn,hessian",
                "train --cockpit eco | economy",
                "train --stop-on stal | stalled",
                "train --class-weights b | balanced",
                "train --evid | --evidence-stopping",
                "bench --cockpit bus | business",
                "cock | cockpit",
                "predict --thr | --threads",
            })
    void bash_completes(String line, String expected) throws Exception {
        assertThat(complete(line)).containsExactly(expected.split(" "));
    }

    /** What bash offers at the end of a line. */
    private List<String> complete(String line) throws IOException, InterruptedException {
        Path bash = Path.of("/bin/bash");
        assumeTrue(Files.isExecutable(bash), "there is no bash");
        Path file = Files.writeString(directory.resolve("completion.sh"), script);
        Files.writeString(directory.resolve("own.json"), "{}");
        Path replies = directory.resolve("replies.txt");
        String program = """
                compopt() { :; } # works in an interactive shell only
                source "$1"
                shift
                COMP_WORDS=("$@")
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                COMP_LINE="$*"
                _complete_backpack
                printf '%s\\n' "${COMPREPLY[@]}"
                """;
        List<String> command =
                new ArrayList<>(List.of(bash.toString(), "-c", program, "bash", file.toString(), "backpack"));
        command.addAll(List.of(line.split(" ")));
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(replies.toFile())
                .start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return Files.readAllLines(replies, StandardCharsets.UTF_8);
    }
}
