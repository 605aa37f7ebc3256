// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;

class ProblemsTest {

    private final Problems problems = new Problems();

    @Test
    void noneAreNoFailure() {
        problems.collect(() -> {});

        assertThat(problems.isEmpty()).isTrue();
        problems.throwIfAny();
    }

    @Test
    void oneIsItsOwnMessage() {
        problems.add(new ProblemId("Id", "A test.", "None."), "Something.");

        assertThatThrownBy(problems::throwIfAny).hasMessage("[Id] Something.");
    }

    @Test
    void severalAreNumbered() {
        problems.add(new ProblemId("A", "A test.", "None."), "First.");
        problems.collect(() -> {
            throw new BackpackException(new ProblemId("B", "A test.", "None."), "Second.");
        });

        BackpackException thrown = catchThrowableOfType(BackpackException.class, problems::throwIfAny);

        assertThat(thrown).hasMessage("1) [A] First.\n2) [B] Second.\n2 problems.");
        assertThat(thrown.problems())
                .containsExactly(
                        new Problem(new ProblemId("A", "A test.", "None."), "First."),
                        new Problem(new ProblemId("B", "A test.", "None."), "Second."));
    }

    @Test
    void otherFailuresAreNotCollected() {
        assertThatThrownBy(() -> problems.collect(() -> {
                    throw new IllegalStateException("bug");
                }))
                .hasMessage("bug");
    }

    @Test
    void causesAreKept() {
        Exception cause = new Exception();

        assertThat(new BackpackException(new ProblemId("Id", "A test.", "None."), "Message.", cause))
                .hasCause(cause);
    }

    @Test
    void pluginIdsAreChecked() {
        assertThat(new PluginDescriptor("my-plugin2", "1", SpiVersion.MAJOR).compiledAgainst())
                .isEqualTo(SpiVersion.MAJOR);
        assertThatThrownBy(() -> new PluginDescriptor("My plugin", "1", 1)).hasMessageContaining("'My plugin'");
    }
}
