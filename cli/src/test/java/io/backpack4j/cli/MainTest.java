// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.ProblemId;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class MainTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Command(name = "fail")
    private record Failing(Throwable failure) implements Runnable {

        @Override
        public void run() {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure;
        }
    }

    @Test
    void prints_known_failures_without_a_stack_trace() {
        assertThat(fail(new BackpackException(new ProblemId("Some", "A test.", "None."), "It failed.")))
                .isEqualTo(1);
        assertThat(out.toString()).isEmpty();
        assertThat(err).hasToString("backpack: [Some] It failed." + System.lineSeparator());
    }

    @Test
    void prints_several_problems_below_each_other() {
        fail(new BackpackException(List.of(
                new Problem(new ProblemId("A", "A test.", "None."), "One."),
                new Problem(new ProblemId("B", "A test.", "None."), "Two."))));
        assertThat(err.toString()).isEqualToNormalizingNewlines("backpack:\n1) [A] One.\n2) [B] Two.\n2 problems.\n");
    }

    @Test
    void prints_unknown_failures_on_one_line_with_a_hint() {
        assertThat(fail(new IllegalStateException("a\n  b"))).isEqualTo(1);
        assertThat(err.toString().lines())
                .containsExactly("backpack: internal error: java.lang.IllegalStateException: a b."
                        + " Run the command again with --debug for details.");
    }

    @Test
    void says_what_to_do_when_memory_is_exhausted() {
        assertThat(fail(new OutOfMemoryError("Java heap space"))).isEqualTo(1);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("backpack: [OutOfMemory] Memory is exhausted (Java heap space).")
                .contains("--memory", "-Xmx");
    }

    @Test
    void survives_errors_of_linkage_and_recursion() {
        assertThat(fail(new NoClassDefFoundError("x/Y"))).isEqualTo(1);
        assertThat(fail(new StackOverflowError())).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(2).allMatch(line -> line.startsWith("backpack: internal error: "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--debug fail", "fail --debug"})
    void prints_a_stack_trace_on_request(String arguments) {
        assertThat(execute(
                        new BackpackException(new ProblemId("Some", "A test.", "None."), "It failed."),
                        arguments.split(" ")))
                .isEqualTo(1);
        assertThat(err.toString())
                .startsWith("backpack: [Some] It failed.")
                .contains("\tat ")
                .doesNotContain("--debug");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | A command is needed.",
                "evaluate | Missing required option: '--model=FILE'",
                "demo --batch 0 | Invalid value for option '--batch': '0' is not a positive whole number",
                "demo --threads 1.5 | Invalid value for option '--threads': '1.5' is not a positive whole number",
                "demo --model lenett |"
                        + " Invalid value for option '--model': 'lenett' is neither one of logreg, lenet, charlm, charlm-lstm nor a file",
                "demo --dtype half | Invalid value for option '--dtype': 'half' is not one of float32, float64",
                "bench --problem x --batch 1 --extensions gradient |"
                        + " Invalid value for option '--problem': 'x' is not one of logreg, 2c2d, 3c3d, allcnnc, mnist_mlp, mlp, lenet",
            })
    void refuses_wrong_usage(String arguments, String message) {
        assertThat(Main.run(writer(out), writer(err), arguments.isEmpty() ? new String[0] : arguments.split(" ")))
                .isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString().lines())
                .startsWith("backpack: " + message)
                .last()
                .asString()
                .matches("Run 'backpack( [a-z]+)? --help' for help\\.");
    }

    @Test
    void suggests_options() {
        assertThat(Main.run(writer(out), writer(err), "demo", "--bacth=3")).isEqualTo(2);
        assertThat(err.toString()).contains("Unknown option: '--bacth=3'", "Did you mean: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "demo",
                "evaluate",
                "predict",
                "audit",
                "bench",
                "plugins",
                "backends",
                "support",
                "doctor",
                "generate-completion",
                "help"
            })
    void helps_with_every_command(String command) {
        assertThat(Main.run(writer(out), writer(err), command, "--help")).isZero();
        assertThat(err.toString()).isEmpty();
        assertThat(out.toString().lines()).startsWith(usage(command)).allMatch(line -> line.length() <= 100);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "demo", "evaluate", "generate-completion", "help"})
    void help_prints_what_the_option_prints(String command) {
        List<String> words = command.isEmpty() ? List.of() : List.of(command);
        StringWriter option = new StringWriter();
        assertThat(Main.run(writer(option), writer(err), arguments(words, List.of("--help"))))
                .isZero();
        assertThat(Main.run(writer(out), writer(err), arguments(List.of("help"), words)))
                .isZero();
        assertThat(out.toString()).contains("Usage: backpack").isEqualTo(option.toString());
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"evalute", "evalute --model m.json --out r", "--debug evalute", "evalute --help", "help evalute"
            })
    void suggests_commands(String arguments) {
        assertThat(Main.run(writer(out), writer(err), arguments.split(" "))).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString().lines())
                .containsExactly(
                        "backpack: Unknown command 'evalute'. Did you mean 'evaluate'? Possible: demo, evaluate, train, cockpit, predict, audit, convert, inspect, bench,"
                                + " plugins, backends, support, doctor, generate-completion, help.",
                        "Run 'backpack --help' for help.");
    }

    @Test
    void lists_commands_where_none_is_close() {
        assertThat(Main.run(writer(out), writer(err), "frobnicate")).isEqualTo(2);
        assertThat(err.toString()).startsWith("backpack: Unknown command 'frobnicate'. Possible: demo, evaluate, ");
    }

    private static String[] arguments(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toArray(String[]::new);
    }

    private String usage(String command) {
        return out.toString()
                .lines()
                .filter(line -> line.startsWith("Usage: backpack " + command))
                .findFirst()
                .orElse("");
    }

    @Test
    void names_its_version() {
        assertThat(Main.run(writer(out), writer(err), "--version")).isZero();
        assertThat(out.toString()).startsWith("backpack4j ").contains("Java ");
    }

    private int fail(Throwable failure) {
        return execute(failure, "fail");
    }

    private int execute(Throwable failure, String... arguments) {
        CommandLine commandLine = Main.commandLine(writer(out), writer(err));
        commandLine.addSubcommand(new Failing(failure));
        commandLine.setOut(writer(out)).setErr(writer(err));
        return Main.execute(commandLine, arguments);
    }

    private static PrintWriter writer(StringWriter target) {
        return new PrintWriter(target, true);
    }
}
