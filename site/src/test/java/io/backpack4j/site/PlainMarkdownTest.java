// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PlainMarkdownTest {

    @Test
    void lists_and_tables_get_the_empty_line_that_they_need() {
        assertThat(PlainMarkdown.of("text\n- one\n- two\n  more\n\n- three"))
                .isEqualTo("text\n\n- one\n- two\n  more\n\n- three");
        assertThat(PlainMarkdown.of("text\n| a |\n|---|")).isEqualTo("text\n\n| a |\n|---|");
    }

    @Test
    void escapes_go_in_the_code_of_tables_only() {
        assertThat(PlainMarkdown.of("| `a\\|b` | c\\|d |")).isEqualTo("| `a|b` | c\\|d |");
        assertThat(PlainMarkdown.of("`a\\|b`")).isEqualTo("`a\\|b`");
    }

    @Test
    void code_stays_as_it_is() {
        assertThat(PlainMarkdown.of("```\ntext\n- one\n```")).isEqualTo("```\ntext\n- one\n```");
    }
}
