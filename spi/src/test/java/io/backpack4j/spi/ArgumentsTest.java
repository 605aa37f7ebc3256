// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ArgumentsTest {

    private static Arguments of(Map<String, ?> values) {
        return new Arguments("node 'a' (Conv2d)", values);
    }

    @Test
    void readsNumbers() {
        Arguments arguments = of(Map.of("size", 3, "whole", 4.0, "p", 0.5));

        assertThat(arguments.integer("size")).isEqualTo(3);
        assertThat(arguments.integer("whole")).isEqualTo(4);
        assertThat(arguments.number("p")).isEqualTo(0.5);
        assertThat(arguments.number("size", 7)).isEqualTo(3);
        assertThat(arguments.integer("other", 7)).isEqualTo(7);
        assertThat(arguments.number("other", 0.1)).isEqualTo(0.1);
        assertThatThrownBy(() -> arguments.integer("p"))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidArgument] Argument 'p' of node 'a' (Conv2d) is 0.5, but must be an integer.");
    }

    @Test
    void showsValuesOfSeveralKinds() {
        Arguments arguments = of(Map.of("padding", "same", "size", 3));

        assertThat(arguments.value("padding")).isEqualTo("same");
        assertThat(arguments.value("size")).isEqualTo(3);
        assertThat(arguments.value("other")).isNull();
        arguments.rejectUnknown();
    }

    @Test
    void readsWordsAndFlags() {
        Arguments arguments = of(Map.of("mode", "eval", "bias", false));

        assertThat(arguments.word("mode", "train", "train", "eval")).isEqualTo("eval");
        assertThat(arguments.word("other", "train", "train", "eval")).isEqualTo("train");
        assertThat(arguments.flag("bias", true)).isFalse();
        assertThat(arguments.flag("other", true)).isTrue();
        assertThatThrownBy(() -> arguments.word("mode", "a", "a", "b"))
                .hasMessageContaining("is 'eval', but must be one of a, b");
        assertThatThrownBy(() -> arguments.word("bias", "a", "a", "b")).hasMessageContaining("is false, but");
        assertThatThrownBy(() -> arguments.flag("mode", true)).hasMessageContaining("true or false");
        assertThatThrownBy(() -> arguments.number("mode")).hasMessageContaining("a number");
    }

    @Test
    void readsLists() {
        Arguments arguments = of(Map.of("one", 3, "two", List.of(1, 2), "mixed", Arrays.asList(null, "x", 2)));

        assertThat(arguments.integers("one")).containsExactly(3L);
        assertThat(arguments.integers("two")).containsExactly(1L, 2L);
        assertThat(arguments.integers("one", 2, 0)).containsExactly(3L, 3L);
        assertThat(arguments.integers("two", 2, 0)).containsExactly(1L, 2L);
        assertThat(arguments.integers("other", 2, 1)).containsExactly(1L, 1L);
        assertThat(arguments.list("mixed")).containsExactly(null, "x", 2);
        assertThatThrownBy(() -> arguments.integers("two", 3, 0))
                .hasMessageContaining("is [1, 2], but must be one integer or a list of 3");
        assertThatThrownBy(() -> arguments.integers("mixed"))
                .hasMessageContaining("is [null, x, 2], but must be a list of integers");
        assertThatThrownBy(() -> arguments.list("one")).hasMessageContaining("a list");
    }

    @Test
    void reportsWhatIsMissing() {
        Arguments arguments = of(Collections.singletonMap("given", null));

        assertThat(arguments.has("given")).isFalse();
        assertThatThrownBy(() -> arguments.integer("given"))
                .hasMessage("[MissingArgument] Node 'a' (Conv2d) needs the argument 'given', which is missing.");
    }

    @Test
    void reportsWhatNobodyAskedFor() {
        Arguments arguments = of(Map.of("stride", 1, "strides", 2));
        arguments.integer("stride");
        arguments.integer("padding", 0);

        assertThatThrownBy(arguments::rejectUnknown)
                .hasMessage(
                        "[UnknownArgument] Node 'a' (Conv2d) has no argument 'strides'. It takes: padding, stride.");
        arguments.has("strides");
        arguments.rejectUnknown();
        assertThatThrownBy(of(Map.of("x", 1))::rejectUnknown).hasMessageContaining("It takes none.");
    }
}
