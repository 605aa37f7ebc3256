// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NpzWriterTest {

    private static final int ROWS = 5;
    private static final int COLUMNS = 30_000;

    @TempDir
    Path directory;

    private static Map<String, NpzWriter.Declared> declared() {
        Map<String, NpzWriter.Declared> tensors = new LinkedHashMap<>();
        tensors.put("loss", new NpzWriter.Declared(DType.FLOAT64, Shape.of()));
        tensors.put("0.weight/grad_batch", new NpzWriter.Declared(DType.FLOAT64, Shape.of(ROWS, COLUMNS)));
        tensors.put("*/größe", new NpzWriter.Declared(DType.FLOAT32, Shape.of(3)));
        tensors.put("none", new NpzWriter.Declared(DType.FLOAT32, Shape.of(0, 4)));
        tensors.put("target", new NpzWriter.Declared(DType.INT64, Shape.of(2, 1)));
        return tensors;
    }

    private static double[] row(int number) {
        double[] row = new double[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            row[i] = number + i * 0.25;
        }
        return row;
    }

    /** Rows come in another order than they stand in, so that the checksum has to be read back. */
    private Path write(long limit) {
        Path file = directory.resolve("r.npz");
        try (NpzWriter writer = NpzWriter.open(file, declared(), limit)) {
            for (int number : new int[] {3, 0, 4, 2, 1}) {
                writer.write("0.weight/grad_batch", (long) number * COLUMNS, row(number), 0, COLUMNS);
            }
            writer.write("*/größe", 0, new double[] {1.5, -2, 0.1}, 0, 3);
            writer.write("loss", 0, new double[] {Math.PI}, 0, 1);
            writer.write("target", 0, new long[] {Long.MIN_VALUE, 7}, 0, 2);
            writer.commit();
        }
        return file;
    }

    private static ByteBuffer numbers(byte[] member, String header) {
        ByteBuffer bytes = ByteBuffer.wrap(member).order(ByteOrder.LITTLE_ENDIAN);
        int length = Short.toUnsignedInt(bytes.getShort(8));
        assertThat((10 + length) % 64).as("numbers are aligned").isZero();
        assertThat(new String(member, 0, 10 + length, StandardCharsets.ISO_8859_1))
                .startsWith("\u0093NUMPY\u0001\u0000")
                .contains(header)
                .endsWith("\n");
        return bytes.position(10 + length).slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Map<String, byte[]> streamed(Path file) throws IOException {
        Map<String, byte[]> members = new LinkedHashMap<>();
        try (InputStream stream = Files.newInputStream(file);
                ZipInputStream zip = new ZipInputStream(stream)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                // Reading to the end compares sizes and checksums with the local header.
                members.put(entry.getName(), zip.readAllBytes());
            }
        }
        return members;
    }

    private static void assertNumbers(Map<String, byte[]> members) {
        assertThat(members.keySet())
                .containsExactly("loss.npy", "0.weight/grad_batch.npy", "*/größe.npy", "none.npy", "target.npy");
        assertThat(numbers(member(members, "loss"), "{'descr': '<f8', 'fortran_order': False, 'shape': (), }")
                        .getDouble())
                .isEqualTo(Math.PI);
        ByteBuffer rows = numbers(member(members, "0.weight/grad_batch"), "'shape': (5, 30000,), }");
        for (int number = 0; number < ROWS; number++) {
            double[] read = new double[COLUMNS];
            rows.asDoubleBuffer().position(number * COLUMNS).get(read);
            assertThat(read).isEqualTo(row(number));
        }
        ByteBuffer narrow =
                numbers(member(members, "*/größe"), "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }");
        assertThat(List.of(narrow.getFloat(), narrow.getFloat(), narrow.getFloat()))
                .containsExactly(1.5f, -2f, 0.1f);
        assertThat(numbers(member(members, "none"), "'shape': (0, 4,), }").hasRemaining())
                .isFalse();
        ByteBuffer target =
                numbers(member(members, "target"), "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1,), }");
        assertThat(List.of(target.getLong(), target.getLong())).containsExactly(Long.MIN_VALUE, 7L);
    }

    private static byte[] member(Map<String, byte[]> members, String name) {
        return java.util.Objects.requireNonNull(members.get(name + ".npy"));
    }

    @ParameterizedTest
    @ValueSource(longs = {ZipLayout.LIMIT, 1_000_000, 1})
    void members_are_what_was_written_whether_sizes_need_64_bits_or_not(long limit) throws IOException {
        Path file = write(limit);
        assertNumbers(streamed(file));
        try (ZipFile zip = new ZipFile(file.toFile())) {
            Map<String, byte[]> members = new LinkedHashMap<>();
            for (ZipEntry entry : zip.stream().toList()) {
                byte[] bytes = zip.getInputStream(entry).readAllBytes();
                CRC32 sum = new CRC32();
                sum.update(bytes);
                assertThat(entry.getCrc()).as(entry.getName()).isEqualTo(sum.getValue());
                assertThat(entry.getSize()).isEqualTo(bytes.length);
                members.put(entry.getName(), bytes);
            }
            assertNumbers(members);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {ZipLayout.LIMIT, 1_000_000, 1})
    void numpy_loads_it(long limit) throws IOException, InterruptedException {
        String python = System.getenv().getOrDefault("BACKPACK4J_PYTHON", "python3");
        assumeTrue(
                run(python, "import numpy").equals("0 "),
                "%s has no numpy (pip install numpy; BACKPACK4J_PYTHON names another Python)".formatted(python));
        String script = """
                import numpy, sys, zipfile
                assert zipfile.ZipFile(sys.argv[1]).testzip() is None
                d = numpy.load(sys.argv[1])
                assert sorted(d.keys()) == ['*/größe', '0.weight/grad_batch', 'loss', 'none', 'target'], d.keys()
                assert d['loss'].shape == () and d['loss'] == numpy.pi
                r = d['0.weight/grad_batch']
                assert r.dtype == '<f8' and (r == numpy.arange(5)[:, None] + 0.25 * numpy.arange(30000)).all()
                assert d['*/größe'].dtype == '<f4' and (d['*/größe'] == numpy.array([1.5, -2, 0.1], 'f4')).all()
                assert d['none'].shape == (0, 4) and d['none'].dtype == '<f4'
                assert d['target'].tolist() == [[-2**63], [7]]
                print('read')
                """;
        assertThat(run(python, script, write(limit).toString())).isEqualTo("0 read");
    }

    private static String run(String python, String script, String... arguments) throws InterruptedException {
        List<String> command = new java.util.ArrayList<>(List.of(python, "-c", script));
        command.addAll(List.of(arguments));
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().put("PYTHONUTF8", "1");
            Process process = builder.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() + " " + output.strip();
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void equal_numbers_make_equal_files() throws IOException {
        byte[] first = Files.readAllBytes(write(ZipLayout.LIMIT));
        assertThat(Files.readAllBytes(write(ZipLayout.LIMIT))).isEqualTo(first);
    }

    @Test
    void nothing_appears_unless_it_is_complete() {
        Path file = directory.resolve("r.npz");
        try (NpzWriter writer = NpzWriter.open(file, declared())) {
            writer.write("loss", 0, new double[1], 0, 1);
            assertThatThrownBy(writer::commit)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("Tensor '0.weight/grad_batch' of shape [5, 30000] has only 0 elements written");
        }
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void what_cannot_be_written_is_refused() {
        Path file = directory.resolve("r.npz");
        var large = new NpzWriter.Declared(DType.FLOAT64, Shape.of(1L << 61));
        assertThatThrownBy(() -> NpzWriter.open(file, Map.of("a", large)))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[UnwritableFile] File '%s' cannot be written: tensor 'a' of shape [%d] is too large."
                        .formatted(file, 1L << 61));
        var scalar = new NpzWriter.Declared(DType.FLOAT64, Shape.of());
        assertThatThrownBy(() -> NpzWriter.open(file, Map.of("a".repeat(1 << 16), scalar)))
                .hasMessageContaining("has 65540 bytes, but a zip archive allows 65535.");
        assertThatThrownBy(() -> ResultFile.requireEnding(Path.of("r.csv")))
                .hasMessage(
                        "[InvalidArgument] Results cannot be written to 'r.csv'. They are written as safetensors or npz: name a file that ends in '.safetensors' or '.npz'.");
        assertThat(directory).isEmptyDirectory();
    }
}
