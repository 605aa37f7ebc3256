// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {

    @TempDir
    Path directory;

    private Path target;

    @BeforeEach
    void nameTarget() {
        target = directory.resolve("r.safetensors");
    }

    @Test
    void writesWhatTheReaderReads() {
        try (SafetensorsWriter writer = SafetensorsWriter.to(target)
                .metadata("case", "a \"quoted\" ü")
                .tensor("narrow", DType.FLOAT32, Shape.of(3))
                .tensor("loss", DType.FLOAT64, Shape.of())
                .tensor("none", DType.FLOAT64, Shape.of(0, 4))
                .tensor("*/target", DType.INT64, Shape.of(2, 1))
                .open()) {
            writer.write("narrow", 0, new float[] {1.5f, -2, 0}, 0, 3);
            writer.write("narrow", 2, new double[] {9, 0.1}, 1, 1);
            writer.write("loss", 0, new double[] {Math.PI}, 0, 1);
            writer.write("*/target", 0, new long[] {Long.MIN_VALUE, 7}, 0, 2);
            writer.commit();
        }
        try (Safetensors file = Safetensors.open(target)) {
            assertThat(file.metadata()).containsOnlyKeys("case").containsEntry("case", "a \"quoted\" ü");
            assertThat(file.tensors()).containsOnlyKeys("loss", "none", "*/target", "narrow");
            assertThat(file.readFloats("narrow")).containsExactly(1.5f, -2, 0.1f);
            assertThat(file.readDoubles("loss")).containsExactly(Math.PI);
            assertThat(file.readDoubles("none")).isEmpty();
            assertThat(file.tensor("none").shape()).isEqualTo(Shape.of(0, 4));
            assertThat(file.readLongs("*/target")).containsExactly(Long.MIN_VALUE, 7);
        }
        assertThat(directory).isDirectoryContaining("glob:**/r.safetensors").isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void alignsHeaderAndTensors() throws IOException {
        try (SafetensorsWriter writer = SafetensorsWriter.to(target)
                .tensor("odd", DType.FLOAT32, Shape.of(1))
                .tensor("wide", DType.FLOAT64, Shape.of(1))
                .open()) {
            writer.write("odd", 0, new float[1], 0, 1);
            writer.write("wide", 0, new float[] {3}, 0, 1);
            writer.commit();
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(target)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.getLong() % 8).isZero();
        try (Safetensors file = Safetensors.open(target)) {
            assertThat(file.tensor("wide").begin()).isZero();
            assertThat(file.readDoubles("wide")).containsExactly(3);
        }
    }

    @Test
    void writesChunksInAnyOrder() {
        int count = 50_000;
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        try (SafetensorsWriter writer = SafetensorsWriter.to(target)
                .tensor("a", DType.FLOAT64, Shape.of(count))
                .tensor("b", DType.FLOAT32, Shape.of(count))
                .open()) {
            for (int from = 40_000; from >= 0; from -= 10_000) {
                writer.write("b", from, values, from, 10_000);
                writer.write("a", from, values, from, 10_000);
            }
            writer.commit();
        }
        try (Safetensors file = Safetensors.open(target)) {
            assertThat(file.readDoubles("a")).containsExactly(values);
            assertThat(file.readDoubles("b")).containsExactly(values);
        }
    }

    @Test
    void leavesNothingWithoutCommit() throws IOException {
        Files.writeString(target, "before");
        assertThatThrownBy(() -> {
                    try (SafetensorsWriter writer = scalar(target).open()) {
                        assertThat(directory.toFile().list()).hasSize(2);
                        writer.write("loss", 0, new double[1], 0, 1);
                        throw new IllegalStateException("stopped");
                    }
                })
                .hasMessage("stopped");
        assertThat(directory.toFile().list()).containsExactly("r.safetensors");
        assertThat(target).hasContent("before");
    }

    @Test
    void replacesTheTarget() throws IOException {
        Files.writeString(target, "before");
        writeScalar(target);
        try (Safetensors file = Safetensors.open(target)) {
            assertThat(file.readDoubles("loss")).containsExactly(2);
        }
        assertThat(directory.toFile().list()).containsExactly("r.safetensors");
    }

    @Test
    void replacesWhatALinkPointsTo() throws IOException {
        Path link = directory.resolve("link");
        Files.writeString(target, "before");
        Files.createSymbolicLink(link, target);
        writeScalar(link);
        assertThat(link).isSymbolicLink();
        try (Safetensors file = Safetensors.open(target)) {
            assertThat(file.tensors()).containsOnlyKeys("loss");
        }
    }

    @Test
    void refusesToCommitMissingElements() {
        try (SafetensorsWriter writer = SafetensorsWriter.to(target)
                .tensor("a", DType.FLOAT64, Shape.of(4))
                .open()) {
            writer.write("a", 0, new double[2], 0, 2);
            writer.write("a", 0, new double[2], 0, 2);
            assertThatThrownBy(writer::commit).hasMessage("Tensor 'a' of shape [4] has only 2 elements written");
        }
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void refusesMistakesOfTheCaller() {
        SafetensorsWriterBuilder builder = scalar(target);
        assertThatThrownBy(() -> builder.tensor("loss", DType.FLOAT32, Shape.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Tensor 'loss' was declared twice");
        assertThatThrownBy(() -> builder.tensor("__metadata__", DType.FLOAT32, Shape.of()))
                .hasMessage("'__metadata__' is not a name for tensors");
        try (SafetensorsWriter writer = builder.open()) {
            assertThatThrownBy(() -> writer.write("x", 0, new double[1], 0, 1))
                    .hasMessage("Tensor 'x' was not declared");
            assertThatThrownBy(() -> writer.write("loss", 0, new long[1], 0, 1))
                    .hasMessage("Tensor 'loss' was declared as F64");
            assertThatThrownBy(() -> writer.write("loss", 1, new double[1], 0, 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void saysWhyATargetCannotBeWritten() throws IOException {
        Path missing = directory.resolve("missing/r");
        assertThatThrownBy(() -> scalar(missing).open())
                .isInstanceOf(BackpackException.class)
                .hasMessage(
                        "[UnwritableFile] File '%s' cannot be written: '%s' is not a directory.",
                        missing, directory.resolve("missing"));
        Files.createDirectory(target);
        assertThatThrownBy(() -> scalar(target).open())
                .hasMessage(
                        "[UnwritableFile] File '%s' cannot be written: it exists and is not a regular file.", target);
        assertThatThrownBy(() -> SafetensorsWriter.to(directory.resolve("x"))
                        .tensor("t", DType.FLOAT64, Shape.of(1L << 62))
                        .open())
                .hasMessageContaining("cannot be written: tensor 't' of shape [4611686018427387904] is too large.");
    }

    @Test
    void saysThatADirectoryIsProtected() throws IOException {
        Path locked = Files.createDirectory(directory.resolve("locked"));
        Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
        assumeThat(Files.isWritable(locked))
                .as("run by a user that permissions bind")
                .isFalse();
        assertThatThrownBy(() -> scalar(locked.resolve("r")).open())
                .hasMessage("[UnwritableFile] File '%s' cannot be written: permission denied.", locked.resolve("r"));
    }

    private static SafetensorsWriterBuilder scalar(Path path) {
        return SafetensorsWriter.to(path).tensor("loss", DType.FLOAT64, Shape.of());
    }

    private static void writeScalar(Path path) {
        try (SafetensorsWriter writer = scalar(path).open()) {
            writer.write("loss", 0, new double[] {2}, 0, 1);
            writer.commit();
        }
    }
}
