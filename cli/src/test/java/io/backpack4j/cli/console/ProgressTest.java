// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

class ProgressTest {

    @Test
    void short_work_shows_nothing() {
        assertThatCode(() -> {
                    try (Progress progress = new Progress("work", 2, true)) {
                        progress.step();
                        progress.step();
                    }
                })
                .doesNotThrowAnyException();
    }
}
