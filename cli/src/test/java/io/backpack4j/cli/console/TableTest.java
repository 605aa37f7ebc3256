// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {

    @Test
    void aligns_columns_and_leaves_no_space_at_the_end() {
        Table table = new Table("name", ">number", "note");
        table.row("a", "1", "");
        table.row("longer name", "12345678", "x");
        assertThat(table.lines())
                .containsExactly(
                        "name           number  note", //
                        "a                   1",
                        "longer name  12345678  x");
    }

    @Test
    void refuses_rows_of_another_width() {
        Table table = new Table("a", "b");
        assertThatThrownBy(() -> table.row("1")).hasMessage("1 cells for 2 columns");
    }
}
