// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SupportDocumentTest {

    @Test
    void the_document_is_current() throws IOException {
        Run run = Run.of("support", "--markdown");
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        assertThat(Files.readString(Path.of("..", "docs", "support.md")).replace("\r\n", "\n"))
                .as("docs/support.md; write it anew with: ./backpack support --markdown > docs/support.md")
                .isEqualTo(run.out());
    }
}
