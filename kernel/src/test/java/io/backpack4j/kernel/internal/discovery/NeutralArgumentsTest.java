// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Problems;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NeutralArgumentsTest {

    /** What is left of arguments whose provider asked for {@code asked}. */
    private static void take(NeutralArguments neutral, Map<String, ? extends @Nullable Object> given, String... asked) {
        Arguments arguments = new Arguments("node 'a' (Thing)", given);
        for (String name : asked) {
            arguments.value(name);
        }
        Problems problems = new Problems();
        neutral.take(arguments, given, problems);
        problems.collect(arguments::rejectUnknown);
        problems.throwIfAny();
    }

    @Test
    void values_that_change_nothing_are_taken() {
        assertThatCode(() -> {
                    take(NeutralArguments.OF_MODULES, Map.of("inplace", true, "device", "cuda:1"));
                    take(NeutralArguments.OF_MODULES, Map.of("inplace", false, "device", 0, "return_indices", false));
                    take(NeutralArguments.OF_LOSSES, Map.of("size_average", true, "reduce", true));
                })
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inplace", "device", "dtype", "return_indices"})
    void null_is_nothing_for_modules(String name) {
        Map<String, @Nullable Object> given = new HashMap<>();
        given.put(name, null);
        assertThatCode(() -> take(NeutralArguments.OF_MODULES, given)).doesNotThrowAnyException();
        assertThatThrownBy(() -> take(NeutralArguments.OF_LOSSES, given)).hasMessageContaining("[UnknownArgument]");
        assertThatThrownBy(() -> take(NeutralArguments.NONE, given)).hasMessageContaining("[UnknownArgument]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"size_average", "reduce"})
    void null_is_nothing_for_losses(String name) {
        Map<String, @Nullable Object> given = new HashMap<>();
        given.put(name, null);
        assertThatCode(() -> take(NeutralArguments.OF_LOSSES, given)).doesNotThrowAnyException();
        assertThatThrownBy(() -> take(NeutralArguments.OF_MODULES, given)).hasMessageContaining("[UnknownArgument]");
    }

    @Test
    void other_values_are_refused_in_words_of_their_own() {
        Map<String, Object> ofModules = Map.of("inplace", 1, "return_indices", true, "dtype", "float64");
        ofModules.forEach((name, value) -> refused(NeutralArguments.OF_MODULES, name, value));
        refused(NeutralArguments.OF_LOSSES, "size_average", "no");
    }

    private static void refused(NeutralArguments neutral, String name, Object value) {
        assertThatThrownBy(() -> take(neutral, Map.of(name, value)))
                .hasMessageStartingWith("[InvalidArgument] Argument '" + name + "' of node 'a' (Thing) is "
                        + shown(value) + ", but must be ");
    }

    private static String shown(Object value) {
        return value instanceof String ? "'" + value + "'" : value.toString();
    }

    @Test
    void whoever_asks_decides_alone() {
        assertThatCode(() -> {
                    take(
                            NeutralArguments.OF_LOSSES,
                            Map.of("size_average", 7, "reduce", List.of(1, 2)),
                            "size_average",
                            "reduce");
                    take(NeutralArguments.OF_MODULES, Map.of("inplace", "maybe"), "inplace");
                })
                .doesNotThrowAnyException();
    }

    @Test
    void what_is_in_no_list_stays_unknown() {
        assertThatThrownBy(() -> take(NeutralArguments.OF_MODULES, Map.of("inplace", true, "in_place", true)))
                .hasMessage("[UnknownArgument] Node 'a' (Thing) has no argument 'in_place'. It takes: inplace.");
    }

    /**
     * PyTorch's own rule, of which each line was tried in PyTorch 2.6: what size_average and reduce make of the
     * reduction.
     */
    @ParameterizedTest
    @CsvSource({
        "true, true, mean",
        "true, , mean",
        ", true, mean",
        "false, true, sum",
        "false, , sum",
        "true, false, none",
        "false, false, none",
        ", false, none",
    })
    void older_names_of_the_reduction_are_taken_where_they_say_the_same(
            @Nullable Boolean sizeAverage, @Nullable Boolean reduce, String meaning) {
        for (String reduction : List.of("mean", "sum")) {
            Map<String, @Nullable Object> given = new HashMap<>();
            given.put("size_average", sizeAverage);
            given.put("reduce", reduce);
            given.put("reduction", reduction);
            if (reduction.equals(meaning)) {
                take(NeutralArguments.OF_LOSSES, given, "reduction");
            } else {
                assertThatThrownBy(() -> take(NeutralArguments.OF_LOSSES, given, "reduction"))
                        .hasMessageContaining("Leave it out, and say it with the reduction");
            }
            if (reduction.equals("mean") && meaning.equals("mean")) {
                given.remove("reduction");
                assertThatCode(() -> take(NeutralArguments.OF_LOSSES, given, "reduction"))
                        .doesNotThrowAnyException();
            }
        }
        assertThat(meaning).isIn("mean", "sum", "none");
    }
}
