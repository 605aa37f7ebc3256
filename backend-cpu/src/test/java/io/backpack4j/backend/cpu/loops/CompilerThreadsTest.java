// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Linux itself says which nice values this JVM's threads have. */
@EnabledOnOs(OS.LINUX)
class CompilerThreadsTest {

    /** A thread's name, and its nice value, the nineteenth field. */
    private static final Pattern STAT = Pattern.compile("\\d+ \\((.*)\\) (?:\\S+ ){16}(-?\\d+) .*", Pattern.DOTALL);

    private static final int MANY = 1000;

    /** The nice values of the threads whose name begins so. */
    private static List<Integer> nice(String name) throws IOException {
        List<Integer> values = new ArrayList<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            for (Path thread : threads.toList()) {
                Matcher stat = STAT.matcher(Files.readString(thread.resolve("stat")));
                assertThat(stat.matches()).isTrue();
                if (stat.group(1).startsWith(name)) {
                    values.add(Integer.parseInt(stat.group(2)));
                }
            }
        }
        return values;
    }

    @Test
    void the_optimising_compiler_lets_others_go_first() throws IOException {
        List<Integer> before = nice("C2 CompilerThre");
        assumeThat(before).as("this JVM has that compiler").isNotEmpty();
        List<Integer> others = nice("C1 CompilerThre");
        int most = before.stream().max(Integer::compare).orElseThrow();
        assumeThat(most).isLessThan(18);

        CompilerThreads.giveWay(Optional.of(String.valueOf(most + 1)), 1);
        CompilerThreads.giveWay(Optional.of("0"), MANY);
        assertThat(nice("C2 CompilerThre")).isEqualTo(before);

        CompilerThreads.giveWay(Optional.of(String.valueOf(most + 1)), MANY);
        assertThat(nice("C2 CompilerThre")).isNotEmpty().containsOnly(most + 1);
        assertThat(nice("C1 CompilerThre")).isEqualTo(others);

        CompilerThreads.giveWay(Optional.of(String.valueOf(most)), MANY);
        assertThat(nice("C2 CompilerThre")).as("nobody goes back").containsOnly(most + 1);
    }

    @Test
    void opening_a_backend_with_all_processors_does_it() throws IOException {
        assumeThat(nice("C2 CompilerThre")).as("this JVM has that compiler").isNotEmpty();
        int processors = Runtime.getRuntime().availableProcessors();
        assumeThat(processors).isGreaterThan(1);
        try (Backend backend = Variant.open(Map.of("compiler_nice", "10"), processors)) {
            assertThat(nice("C2 CompilerThre")).allMatch(value -> value >= 10);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "20", "low"})
    void other_wishes_are_refused(String wish) {
        assertThatThrownBy(() -> Variant.open(Map.of("compiler_nice", wish)))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidOption] backpack.cpu.compiler_nice is '%s', but must be a number from 0 to 19."
                        .formatted(wish));
    }
}
