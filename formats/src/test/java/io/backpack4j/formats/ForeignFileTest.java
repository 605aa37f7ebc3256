// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ForeignFileTest {

    @TempDir
    Path directory;

    /** A header as long as these numbers say begins like gzip, pickle, JSON, ONNX, IDX and a zip archive. */
    @ParameterizedTest
    @ValueSource(ints = {0x8b1f, 0x0280, '{', '[', 0x120708, 0x03080000, 0x04034b50})
    void safetensorsAreNotTakenForWhatTheirLengthLooksLike(int length) throws IOException {
        byte[] json =
                "{\"input\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}".getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length).order(ByteOrder.LITTLE_ENDIAN);
        Path file = Files.write(
                directory.resolve("f"), bytes.putLong(length).put(json).array());
        assertThatThrownBy(() -> Safetensors.open(file))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("is not a safetensors file, or is cut short: its header's length is " + length);
    }

    @Test
    void whatIsNotKnownIsNotGuessed() {
        for (ForeignFile.Wanted wanted : ForeignFile.Wanted.values()) {
            for (String text : new String[] {"a", "name,value\n1,2\n", "PKG", "\u0080", "\u0000\u0000\u0000"}) {
                byte[] head = text.getBytes(StandardCharsets.ISO_8859_1);
                assertThatCode(() -> ForeignFile.refuse(head, "f", wanted)).doesNotThrowAnyException();
            }
        }
    }

    /** Downloads of MNIST end like that. */
    @Test
    void digitsAreToldFromPages() throws IOException {
        Path file = Files.writeString(directory.resolve("f"), "<html><title>404</title></html>");
        assertThatThrownBy(() -> IdxFile.read(file))
                .hasMessageStartingWith("[InvalidFile] File '%s' is a page in HTML", file);
        Files.write(file, new byte[0]);
        assertThatThrownBy(() -> IdxFile.read(file)).hasMessageStartingWith("[InvalidFile] File '%s' is empty.", file);
    }
}
