// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.spi.BackpackException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** IDX files, which no command takes from users, but programs do. */
class BadIdxTest {

    @TempDir
    private Path directory;

    @Test
    void other_files_are_recognised() {
        refused("begins with 7c7d0a0a, but must begin with 000008", 0x7c7d0a0a);
        refused("is JSON, as models are, but is read as IDX", 0x7b7d0a0a);
        refused("is NumPy's npy, but is read as IDX", 0x934e554d, 0x50590100);
        refused("begins with 00000d01", 0x00000d01, 0);
    }

    @Test
    void files_that_are_cut_short_are_refused() {
        refused("is empty");
        refused("it ends too early", 0x00000802, 3);
        refused("has 4 elements, but its shape [8] needs 8", 0x00000801, 8, 0);
    }

    @Test
    void sizes_that_do_not_fit_are_refused_before_memory_is_taken() {
        refused("at most 268435456 elements are possible", 0x00000801, -1);
        refused("more elements than can be counted", 0x00000803, -1, -1, -1);
    }

    @Test
    void what_follows_the_elements_is_refused() {
        refused("goes on after the 2 elements of its shape [2]", 0x00000801, 2, 0);
    }

    private void refused(String message, int... words) {
        ByteBuffer bytes = ByteBuffer.allocate(words.length * Integer.BYTES);
        bytes.asIntBuffer().put(words);
        Path file = directory.resolve("data.idx");
        TensorFile.write(file, bytes.array());
        assertThatThrownBy(() -> IdxFile.read(file))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[InvalidFile] File '" + file + "' ")
                .hasMessageContaining(message);
    }
}
