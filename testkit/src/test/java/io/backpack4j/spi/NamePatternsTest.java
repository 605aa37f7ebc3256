// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.testkit.Randomness;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamePatternsTest {

    @ParameterizedTest
    @CsvSource({
        "*, '', true",
        "'', '', true",
        "'', a, false",
        "?, '', false",
        "0.*, 0.weight, true",
        "0.*, 10.weight, false",
        "*.bias, 3.bias, true",
        "*.bias, 3.biases, false",
        "a.b, axb, false",
        "*a*b, aabab, true",
        "*ab?, abab, false",
        "**?, x, true"
    })
    void asterisks_stand_for_any_characters(String pattern, String name, boolean matches) {
        assertThat(NamePatterns.matches(pattern, name)).isEqualTo(matches);
    }

    /** Against regular expressions, on words of few letters, of which many match. */
    @Test
    void patterns_match_as_regular_expressions_do() {
        Random random = Randomness.of("patterns");
        for (int round = 0; round < 20_000; round++) {
            String pattern = word(random, "ab*?");
            String name = word(random, "ab");
            String expression = pattern.replace("*", ".*").replace('?', '.');
            assertThat(NamePatterns.matches(pattern, name))
                    .as("'%s' matches '%s'", pattern, name)
                    .isEqualTo(name.matches(expression));
        }
    }

    private static String word(Random random, String letters) {
        StringBuilder word = new StringBuilder();
        for (int length = random.nextInt(8); length > 0; length--) {
            word.append(letters.charAt(random.nextInt(letters.length())));
        }
        return word.toString();
    }
}
