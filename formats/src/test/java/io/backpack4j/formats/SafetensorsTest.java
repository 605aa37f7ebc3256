// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"linear_multidim_ce", "embedding", "slice"})
    void readsFilesOfAnotherImplementation(String name) throws Exception {
        try (Safetensors file = Safetensors.open(resource(name))) {
            assertThat(file.metadata()).containsEntry("case", name).containsKeys("model", "extensions", "dtype");
            assertThat(file.tensors()).containsKeys("input", "target", "loss", "output", "0.weight");
            file.tensors().forEach((tensor, info) -> {
                int elements =
                        info.type().isFloating() ? file.readDoubles(tensor).length : file.readLongs(tensor).length;
                assertThat(elements).isEqualTo((int) info.shape().elements());
            });
        }
    }

    @Test
    void readsTheValuesThatPythonReads() throws Exception {
        try (Safetensors file = Safetensors.open(resource("slice"))) {
            assertThat(file.readDoubles("loss")).containsExactly(1.6272463499415888);
            assertThat(file.readLongs("target")).containsExactly(1, 0, 1);
            assertThat(file.tensor("0.weight").shape()).isEqualTo(Shape.of(2, 3, 2, 2));
            assertThat(file.readFloats("0.weight")).hasSize(24).startsWith(0.04748664219956507f, 0.07902220548971259f);
        }
        try (Safetensors file = Safetensors.open(resource("embedding"))) {
            assertThat(file.tensor("loss").type()).isEqualTo(SafetensorsType.F32);
            assertThat(file.readDoubles("loss")[0]).isCloseTo(1.2105882167816162, within(0.0));
        }
    }

    @Test
    void readsRanges() throws Exception {
        try (Safetensors file = Safetensors.open(resource("slice"))) {
            double[] all = file.readDoubles("0.weight");
            double[] target = new double[6];
            file.read("0.weight", 20, target, 2, 4);
            assertThat(target).containsExactly(0, 0, all[20], all[21], all[22], all[23]);
            assertThatThrownBy(() -> file.read("0.weight", 21, target, 0, 4))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> file.read("0.weight", 0, target, 3, 4))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void readsEmptyTensorsAndScalars() {
        byte[] bytes = SafetensorsBytes.of("""
            {"none": {"dtype": "F32", "shape": [0, 3], "data_offsets": [1, 1]},
             "one": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}}\
            """, (byte) 200);
        try (Safetensors file = open(bytes)) {
            assertThat(file.readFloats("none")).isEmpty();
            assertThat(file.readLongs("one")).containsExactly(200);
            assertThat(file.metadata()).isEmpty();
        }
    }

    @Test
    void readsAFileWithoutTensors() {
        try (Safetensors file = open(SafetensorsBytes.of("{}"))) {
            assertThat(file.tensors()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "I8, -2, 1, -2",
        "U8, -2, 1, 254",
        "BOOL, 1, 1, 1",
        "I16, -2, 2, -2",
        "U16, -2, 2, 65534",
        "I32, -2, 4, -2",
        "U32, -2, 4, 4294967294",
        "I64, -2, 8, -2",
        "U64, 7, 8, 7"
    })
    void readsIntegers(SafetensorsType type, long stored, int bytes, long expected) {
        try (Safetensors file = open(single(type, stored, bytes))) {
            assertThat(file.readLongs("t")).containsExactly(expected);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F16, 0x3C00, 1", "F16, 0xC500, -5", "F16, 0x0001, 5.960464477539063E-8", "F16, 0x7BFF, 65504",
        "F16, 0x7C00, Infinity", "F16, 0xFC00, -Infinity", "F16, 0x7E00, NaN", "F16, 0x8000, -0.0",
        "BF16, 0x3F80, 1", "BF16, 0xC0A0, -5", "BF16, 0x7F80, Infinity", "BF16, 0xFFC0, NaN"
    })
    void readsHalfPrecision(SafetensorsType type, String stored, double expected) {
        try (Safetensors file = open(single(type, Long.decode(stored), 2))) {
            assertThat(file.readDoubles("t")).containsExactly(expected);
            assertThat(file.readFloats("t")).containsExactly((float) expected);
        }
    }

    @Test
    void readsMoreThanAChunk() {
        int count = 100_000;
        ByteBuffer data = ByteBuffer.allocate(count * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            data.putFloat(i);
        }
        byte[] bytes = SafetensorsBytes.of(
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[100000],\"data_offsets\":[0,400000]}}", data.array());
        try (Safetensors file = open(bytes)) {
            assertThat(file.readFloats("t")[99_999]).isEqualTo(99_999f);
            assertThat(file.readDoubles("t")[70_000]).isEqualTo(70_000);
        }
    }

    @Test
    void readsBeyondTwoGibibytes() throws IOException {
        long elements = 3L << 30;
        String header =
                "{\"t\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]}}".formatted(elements, elements);
        Path path = SafetensorsBytes.write(directory.resolve("large"), SafetensorsBytes.of(header));
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            // Only its last byte takes space.
            channel.write(ByteBuffer.wrap(new byte[] {42}), channel.size() + elements - 1);
        }
        try (Safetensors file = Safetensors.open(path)) {
            long[] last = new long[2];
            file.read("t", elements - 2, last, 0, 2);
            assertThat(last).containsExactly(0, 42);
            assertThatThrownBy(() -> file.readLongs("t"))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("has tensor 't' of shape [3221225472], which does not fit into one array.");
        }
    }

    @Test
    void refusesTheWrongTypeAndUnknownNames() {
        try (Safetensors file = open(single(SafetensorsType.I64, 1, 8))) {
            assertThatThrownBy(() -> file.readDoubles("t"))
                    .hasMessage(message("has tensor 't' of I64, but real numbers are needed: F64, F32, F16 or BF16."));
            assertThatThrownBy(() -> file.readLongs("weight"))
                    .hasMessage(message("has no tensor 'weight'. It has: 't'."));
        }
        try (Safetensors file = open(single(SafetensorsType.F64, 1, 8))) {
            assertThatThrownBy(() -> file.readLongs("t"))
                    .hasMessage(message("has tensor 't' of F64, but integers are needed, such as I64."));
        }
        try (Safetensors file = open(single(SafetensorsType.U64, -1, 8))) {
            assertThatThrownBy(() -> file.readLongs("t"))
                    .hasMessage(message("has tensor 't' with the value 18446744073709551615,"
                            + " which does not fit into a signed 64-bit integer."));
        }
    }

    @Test
    void reportsAFileThatShrinksWhileOpen() throws IOException {
        try (Safetensors file = open(single(SafetensorsType.F64, 1, 8))) {
            try (FileChannel channel = FileChannel.open(path(), StandardOpenOption.WRITE)) {
                channel.truncate(20);
            }
            assertThatThrownBy(() -> file.readDoubles("t"))
                    .hasMessage("[InvalidFile] File '%s' cannot be read: it ends too early.".formatted(path()));
        }
    }

    @Test
    void reportsFilesThatCannotBeOpened() throws IOException {
        assertThatThrownBy(() -> Safetensors.open(path()))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidFile] File '%s' cannot be read: it does not exist.".formatted(path()));
        Files.createDirectory(path());
        assertThatThrownBy(() -> Safetensors.open(path()))
                .hasMessage(message("cannot be read: it is a directory. Name a file in it."));
    }

    private static byte[] single(SafetensorsType type, long bits, int bytes) {
        ByteBuffer data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        if (type == SafetensorsType.F64) {
            data.putDouble(bits);
        } else {
            data.putLong(bits);
        }
        String header = "{\"t\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%d]}}".formatted(type, bytes);
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return SafetensorsBytes.withLength(json.length, json, Arrays.copyOf(data.array(), bytes));
    }

    private Safetensors open(byte[] bytes) {
        return Safetensors.open(SafetensorsBytes.write(path(), bytes));
    }

    private Path path() {
        return directory.resolve("f");
    }

    private String message(String what) {
        return "[InvalidFile] File '%s' %s".formatted(path(), what);
    }

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(SafetensorsTest.class.getResource(name + ".safetensors").toURI());
    }
}
