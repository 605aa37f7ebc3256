// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class OtherProgramsTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    @TempDir
    private Path folder;

    @BeforeEach
    void processors() throws IOException {
        Files.createDirectory(folder.resolve("self"));
        write("self/status", "Name:\tjava\nCpus_allowed:\td\nCpus_allowed_list:\t0,2-3\nThreads:\t20\n");
    }

    private void write(String file, String text) throws IOException {
        Files.writeString(folder.resolve(file), text);
    }

    /** Processors 1 and 12 are not this process's; their numbers are large, so that they would be seen. */
    private void write(int user, int stolen, int idle, int ownUser, int ownSystem) throws IOException {
        write("stat", """
                cpu  9001051 461078 577448 3402195 9665 0 5549 7653 0 0
                cpu0 %d 1 1 %d 5 1 1 1 0 0
                cpu1 %d 1 1 %d 5 1 1 1 0 0
                cpu2 100 20 3 %d 77777 4 5 %d 11111 22222
                cpu3 0 0 0 50 0 0 0 0 0 0
                cpu12 %d 1 1 50 5 1 1 1 0 0
                intr 57319895 0 0 1
                ctxt 146505586
                """.formatted(user, idle, 99 * user, idle, idle, stolen, 99 * user));
        write(
                "self/stat",
                "4711 (a (b) c 1 2 3) S 1 2 3 4 5 6 7 8 9 10 %d %d 999 999 20 0 1\n".formatted(ownUser, ownSystem));
    }

    @Test
    void others_are_what_all_did_less_what_this_process_did() throws IOException {
        write(1000, 0, 500, 200, 50);
        try (OtherPrograms others = new OtherPrograms(folder, 0)) {
            assertThat(others.available()).isEqualTo(3);
            // in two seconds 300 ticks of all, 60 of which are this process's
            write(1260, 40, 999_999, 250, 60);
            assertThat(others.look(2 * SECOND)).isEqualTo(1.2, within(1e-12));
            assertThat(others.look(3 * SECOND)).isZero();
            write(1300, 40, 999_999, 290, 60);
            assertThat(others.look(4 * SECOND)).as("all of it was this process").isZero();
        }
    }

    @Test
    void files_that_tell_nothing_are_a_failure() throws IOException {
        write(0, 0, 0, 0, 0);
        write("stat", "nothing\n");
        assertThatThrownBy(() -> new OtherPrograms(folder, 0)).isInstanceOf(IOException.class);
        write(0, 0, 0, 0, 0);
        write("self/stat", "nothing\n");
        assertThatThrownBy(() -> new OtherPrograms(folder, 0)).isInstanceOf(IOException.class);
        write(0, 0, 0, 0, 0);
        write("self/status", "Cpus_allowed_list:\tall\n");
        assertThatThrownBy(() -> new OtherPrograms(folder, 0)).isInstanceOf(IOException.class);
        write("self/status", "Name:\tjava\n");
        assertThatThrownBy(() -> new OtherPrograms(folder, 0)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> new OtherPrograms(folder.resolve("missing"), 0))
                .isInstanceOf(IOException.class);
    }

    /** What this process does is not others'; what a child does is. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void the_system_tells_a_child_from_this_process() throws Exception {
        try (OtherPrograms others = new OtherPrograms(OtherPrograms.PROC, System.nanoTime())) {
            Process child = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
            try {
                long end = System.nanoTime() + 30 * SECOND;
                double most = 0;
                while (most < 0.3 && System.nanoTime() < end) {
                    TimeUnit.MILLISECONDS.sleep(500);
                    most = Math.max(most, others.look(System.nanoTime()));
                }
                assertThat(most)
                        .as("an endless loop takes a processor, if it gets it")
                        .isGreaterThan(0.3);
            } finally {
                child.destroyForcibly().waitFor();
            }
        }
    }
}
