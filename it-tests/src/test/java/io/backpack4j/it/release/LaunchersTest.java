// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.release;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The launcher for Windows and the application image start what the POSIX launcher starts. No machine with Windows
 * builds this, so its file is read, not run.
 */
class LaunchersTest {

    private static final Path ROOT = Path.of("..");

    private final String posix = read("backpack");
    private final String windows = read("backpack.cmd").replace("\r\n", "\n");
    private final String image = read("tools/release/image");

    private static String read(String file) {
        try {
            return Files.readString(ROOT.resolve(file));
        } catch (IOException e) {
            throw new AssertionError(file + " cannot be read", e);
        }
    }

    /** What a pattern's first group matches, line by line. */
    private static List<String> all(String pattern, String text) {
        return Pattern.compile(pattern, Pattern.MULTILINE)
                .matcher(text)
                .results()
                .map(result -> result.group(1))
                .toList();
    }

    private static List<String> words(List<String> lines) {
        return lines.stream()
                .flatMap(line -> Pattern.compile("\\s+").splitAsStream(line.strip()))
                .toList();
    }

    /** A line of the shell as cmd writes it: names of variables, separators of files and of a class path. */
    private static String asWindows(String line) {
        return line.replace("${shared:+\"$shared\"}", "%shared%")
                .replace("${BACKPACK_OPTS:-}", "%BACKPACK_OPTS%")
                .replace("\"$@\"", "%*")
                .replaceAll("\\$(\\w+)", "%$1%")
                .replace(':', ';')
                .replace('/', '\\');
    }

    @Test
    void both_launchers_run_one_command() {
        List<String> expected = all("^exec (.*)$", posix);
        assertThat(expected).hasSize(1);
        assertThat(all("^(\"%java%\" .* io\\.backpack4j\\.cli\\.Main %\\*)$", windows))
                .containsExactly(asWindows(expected.get(0)));
    }

    @Test
    void flags_of_the_jvm_are_the_same() {
        List<String> flags = words(all("^flags=\"(?:\\$flags)?([^\"]*)\"$", posix));
        assertThat(flags).contains("-XX:+UseSerialGC", "-Dguice_custom_class_loading=CHILD");
        assertThat(words(all("^set \"flags=(?:%flags%)?([^\"]*)\"$", windows)))
                .as("backpack.cmd")
                .isEqualTo(flags);
        assertThat(words(all("--java-options (\\S+)", image)))
                .as("tools/release/image")
                .isEqualTo(flags);
    }

    @Test
    void flags_of_newer_jvms_are_the_same() {
        List<String> flags = all("-ge 24 \\]; then\\n\\s*flags=\"\\$flags ([^\"]*)\"", posix);
        assertThat(flags).hasSize(1);
        assertThat(all("%major% GEQ 24 set \"flags=%flags% ([^\"]*)\"", windows))
                .isEqualTo(flags);
        assertThat(all("-ge (\\d+) \\] \\|\\| fail", posix))
                .isEqualTo(all("%major% LSS (\\d+) goto old_java", windows));
    }

    @Test
    void class_paths_are_the_same() {
        List<String> parts = new ArrayList<>(all("^own=\\$classpath(.*)$", posix));
        parts.addAll(all("^classpath=\\$own(.*)$", posix));
        parts.addAll(all("^places=(.*)$", posix).subList(0, 1));
        assertThat(parts).hasSize(3);
        List<String> found = new ArrayList<>(all("^set \"own=%own%(.*)\"$", windows));
        found.addAll(all("^set \"classpath=%own%(.*)\"$", windows));
        found.addAll(all("^set \"places=(%root.*)\"$", windows));
        assertThat(found).isEqualTo(parts.stream().map(LaunchersTest::asWindows).toList());
    }

    @Test
    void one_class_is_the_main_one() {
        for (String launcher : List.of(posix, windows, image)) {
            assertThat(all("(io\\.backpack4j[\\w.]*\\.[A-Z]\\w*)", launcher))
                    .contains("io.backpack4j.cli.Main")
                    .isSubsetOf("io.backpack4j.cli.Main", "io.backpack4j.cli.Rehearsal");
        }
    }

    @Test
    void archives_are_made_by_one_command() {
        List<String> expected = all("(--extensions \\S+ --out)", posix);
        assertThat(expected).hasSize(1);
        assertThat(all("(--extensions \\S+ --out)", windows)).isEqualTo(expected);
        assertThat(all("^    if ! \\(cd \"\\$root\" && mvn (.*)\\) >\"\\$log\"", posix))
                .isEqualTo(all("^call mvnw\\.cmd (.*) >", windows));
    }

    @Test
    void exit_codes_and_messages_are_the_same() {
        for (String message : List.of(
                "no java found. Install a JDK, version 17 or newer, and put it on the PATH or set JAVA_HOME.",
                "It must name a JDK, version 17 or newer.",
                "Set JAVA_HOME to a newer one.",
                "there is no such directory or jar.",
                "the build failed; its log is ")) {
            assertThat(posix).contains(message);
            assertThat(windows).contains(message);
        }
        assertThat(windows).containsPattern("such directory or jar\\.>&2\\nexit /b 2");
        assertThat(posix).containsPattern("such directory or jar\\.[^\\n]*\\n\\s*exit 2");
    }

    @Test
    void labels_of_the_windows_launcher_exist_once_each() {
        List<String> targets = all("(?:goto|call :)\\s*(\\w+)", windows.replace("call \"", ""));
        List<String> labels = all("^:(\\w+)$", windows);
        assertThat(labels).doesNotHaveDuplicates().containsAll(targets);
        assertThat(targets)
                .containsAll(labels.stream()
                        .filter(label -> !label.equals("arguments") && !label.equals("next") && !label.equals("flags"))
                        .collect(Collectors.toSet()));
    }

    @Test
    void lines_of_the_windows_launchers_end_as_cmd_wants_them() {
        for (String file : List.of("backpack.cmd", "mvnw.cmd")) {
            assertThat(Pattern.compile("(?<!\\r)\\n")
                            .matcher(read(file))
                            .results()
                            .map(MatchResult::start))
                    .as(file)
                    .isEmpty();
        }
    }
}
