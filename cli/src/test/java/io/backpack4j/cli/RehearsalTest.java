// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class RehearsalTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void runs_commands_in_their_order() {
        assertThat(run("bench", "--help", "then", "support", "--help")).isZero();
        assertThat(out.toString()).containsSubsequence("backpack bench ", "backpack support ");
    }

    @Test
    void ends_with_the_first_that_fails() {
        assertThat(run("no-command", "then", "bench", "--help")).isEqualTo(Main.WRONG_USAGE);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("no-command");
    }

    private int run(String... arguments) {
        return Rehearsal.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
    }
}
