// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the command line says about input that is wrong, compared with the files in {@code resources/golden/errors}. To
 * write them anew, run this test with {@code -Dgolden.write=true} and read every change as a user would:
 *
 * <pre>{@code
 * mvn -pl it-tests -am test -Dtest=BadInputTest -Dsurefire.failIfNoSpecifiedTests=false -Dgolden.write=true
 * }</pre>
 */
class BadInputTest {

    private static final boolean WRITE = Boolean.getBoolean("golden.write");
    private static final Path GOLDEN = Path.of("src", "test", "resources", "golden", "errors");
    private static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    static {
        CASES.putAll(BadModels.CASES);
        CASES.putAll(BadImageModels.CASES);
        CASES.putAll(BadTensors.CASES);
        CASES.putAll(BadFiles.CASES);
        CASES.putAll(BadOptions.CASES);
        CASES.putAll(BadTables.CASES);
    }

    @TempDir
    private Path directory;

    static Set<String> names() {
        return CASES.keySet();
    }

    @ParameterizedTest
    @MethodSource("names")
    void the_message_is_the_golden_one(String name) {
        Workspace workspace = new Workspace(directory);
        CASES.get(name).accept(workspace);
        Map<String, Long> before = workspace.files();
        Run run = workspace.run();
        assertThat(run.code()).as(run.err()).isIn(1, 2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).doesNotContain("\tat ", "internal error");
        assertThat(workspace.files()).isEqualTo(before);
        compare(name, "exit code " + run.code() + "\n" + workspace.normalized(run.err()));
    }

    @Test
    void every_golden_file_has_a_case() throws IOException {
        try (Stream<Path> files = Files.list(GOLDEN)) {
            assertThat(files.map(file -> file.getFileName().toString().replace(".txt", "")))
                    .containsExactlyInAnyOrderElementsOf(CASES.keySet());
        }
    }

    @Test
    void stack_traces_are_for_those_who_ask() {
        Workspace workspace = new Workspace(directory).option("--extensions", "Nope");
        assertThat(workspace.run().err()).doesNotContain("\tat ");
        assertThat(workspace.argument("--debug").run().err())
                .startsWith("backpack: [UnknownExtension] ")
                .contains("\tat ");
    }

    @Test
    void older_results_survive_a_failure() {
        Workspace workspace = new Workspace(directory).without("0.bias");
        TensorFile.write(workspace.file("results.safetensors"), new byte[] {1, 2, 3});
        Map<String, Long> before = workspace.files();
        assertThat(workspace.run().code()).isEqualTo(1);
        assertThat(workspace.files()).isEqualTo(before).containsEntry("results.safetensors", 3L);
    }

    private static void compare(String name, String actual) {
        Path file = GOLDEN.resolve(name + ".txt");
        try {
            if (WRITE) {
                Files.createDirectories(GOLDEN);
                Files.writeString(file, actual);
            }
            assertThat(actual).isEqualTo(Files.readString(file).replace("\r\n", "\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
