// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdxFileTest {

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"images", "images.gz"})
    void readsWhatItWrites(String name) throws IOException {
        Path path = directory.resolve(name);
        IdxFile.of(Shape.of(2, 3), new byte[] {0, 1, 127, -128, -1, 5}).write(path);
        assertThat(Files.readAllBytes(path)[0]).isEqualTo((byte) (name.endsWith(".gz") ? 0x1f : 0));
        IdxFile read = IdxFile.read(path);
        assertThat(read.shape()).isEqualTo(Shape.of(2, 3));
        assertThat(read.size()).isEqualTo(6);
        assertThat(read.value(3)).isEqualTo(128);
        assertThat(read.value(4)).isEqualTo(255);
        assertThatThrownBy(() -> read.value(6)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(directory.toFile().list()).containsExactly(name);
    }

    @Test
    void readsEmptyFilesAndScalars() {
        assertThat(read("00000802 00000000 0000001c").size()).isZero();
        assertThat(read("00000800 07").shape()).isEqualTo(Shape.of());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | is empty. Was it written, or downloaded, completely?",
                "000008 | cannot be read: it ends too early.",
                "00000802 00000001 00 | cannot be read: it ends too early.",
                "1f8b | cannot be read: it ends too early.",
                "1f8b 0000 0000 0000 0000 | cannot be read: Unsupported compression method.",
                "00000d01 00000001 00000000 | is not an IDX file of unsigned bytes: it begins with 00000d01, but must"
                        + " begin with 000008 and the number of axes.",
                "00000801 00000002 01 | has 1 elements, but its shape [2] needs 2.",
                "00000801 7fffffff 01 | has shape [2147483647], but at most 268435456 elements are possible.",
                "00000803 ffffffff ffffffff ffffffff | has a shape with more elements than can be counted.",
                "00000801 00000001 01 02 | goes on after the 1 elements of its shape [1].",
            })
    void saysWhatIsWrong(String hex, String expected) {
        assertThatThrownBy(() -> read(hex))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidFile] File 'f' " + expected);
    }

    @Test
    void saysThatAPackedFileIsCutShort() throws IOException {
        Path path = directory.resolve("f.gz");
        IdxFile.of(Shape.of(100), new byte[100]).write(path);
        byte[] bytes = Files.readAllBytes(path);
        Files.write(path, Arrays.copyOf(bytes, bytes.length - 10));
        assertThatThrownBy(() -> IdxFile.read(path))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("cannot be read: ");
    }

    @Test
    void reportsFilesThatCannotBeOpenedOrWritten() {
        Path path = directory.resolve("missing/f");
        assertThatThrownBy(() -> IdxFile.read(path))
                .hasMessage("[InvalidFile] File '%s' cannot be read: it does not exist.", path);
        assertThatThrownBy(() -> IdxFile.of(Shape.of(), new byte[1]).write(path))
                .hasMessageStartingWith("[UnwritableFile] File '%s' cannot be written: ", path);
        assertThatThrownBy(() -> IdxFile.of(Shape.of(2), new byte[1])).hasMessage("1 values do not have shape [2]");
    }

    private static IdxFile read(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        return IdxFile.read(new ByteArrayInputStream(bytes), "f");
    }
}
