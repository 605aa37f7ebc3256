// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the process takes. */
class PeakMemoryTest {

    @Test
    void peak_memory_is_known_somehow(@TempDir Path directory) throws IOException {
        assertThat(PeakMemory.mebibytes()).isGreaterThan(1);
        assertThat(PeakMemory.currentMebibytes()).isGreaterThan(1).isLessThanOrEqualTo(PeakMemory.mebibytes());
        assertThat(PeakMemory.resident(directory.resolve("none"))).isEmpty();
        Path status = Files.writeString(directory.resolve("status"), "Name:\tjava\nVmHWM:\t  2048 kB\n");
        assertThat(PeakMemory.resident(status)).hasValue(2.0);
    }
}
