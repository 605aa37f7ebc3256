// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Arrays of NumPy: {@code .npy}, and the members of {@code .npz}, read as a whole.
 *
 * @param values the numbers; bytes are single precision from 0 to 255
 * @param areBytes whether the file holds unsigned bytes
 */
record NpyFile(HostTensor values, boolean areBytes) {

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final Pattern HEADER = Pattern.compile(
            "\\s*\\{\\s*'descr':\\s*'([<>|=][a-z][0-9]+)',\\s*'fortran_order':\\s*(True|False),\\s*'shape':\\s*\\(([0-9, ]*)\\),?\\s*\\}\\s*");
    private static final int MAX_HEADER = 1 << 16;

    /** Reads a file. */
    static NpyFile read(Path path) {
        try (InputStream stream = new BufferedInputStream(Files.newInputStream(path))) {
            return read(stream, path.toString());
        } catch (IOException e) {
            throw invalid(path.toString(), "cannot be read: " + e);
        }
    }

    /** Reads all members of an archive, by name without {@code .npy}. */
    static Map<String, NpyFile> readAll(Path path) {
        Map<String, NpyFile> members = new LinkedHashMap<>();
        try (ZipInputStream zip = new ZipInputStream(new BufferedInputStream(Files.newInputStream(path)))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                String name = entry.getName().replaceFirst("\\.npy$", "");
                members.put(name, read(zip, path + "', member '" + name));
            }
        } catch (IOException e) {
            throw invalid(path.toString(), "cannot be read: " + e);
        }
        return members;
    }

    private static NpyFile read(InputStream stream, String file) throws IOException {
        byte[] magic = stream.readNBytes(MAGIC.length + 2);
        if (magic.length < MAGIC.length + 2 || !Arrays.equals(Arrays.copyOf(magic, MAGIC.length), MAGIC)) {
            throw invalid(file, "is no array of NumPy");
        }
        ByteBuffer length = little(stream, magic[MAGIC.length] == 1 ? Short.BYTES : Integer.BYTES);
        int bytes = magic[MAGIC.length] == 1 ? Short.toUnsignedInt(length.getShort()) : length.getInt();
        if (bytes < 0 || bytes > MAX_HEADER) {
            throw invalid(file, "has a header of %d bytes".formatted(bytes));
        }
        String header = new String(little(stream, bytes).array(), StandardCharsets.ISO_8859_1);
        Matcher matcher = HEADER.matcher(header);
        if (!matcher.matches() || matcher.group(2).equals("True")) {
            throw invalid(
                    file, "has the header %s, but arrays of numbers in C's order are read".formatted(header.strip()));
        }
        return read(stream, file, matcher.group(1), shape(file, matcher.group(3)));
    }

    private static Shape shape(String file, String text) {
        try {
            return Shape.of(Arrays.stream(text.split(","))
                    .map(String::strip)
                    .filter(size -> !size.isEmpty())
                    .mapToLong(Long::parseLong)
                    .toArray());
        } catch (NumberFormatException | BackpackException e) {
            throw invalid(file, "has the shape (%s)".formatted(text));
        }
    }

    private static NpyFile read(InputStream stream, String file, String type, Shape shape) throws IOException {
        int size = type.charAt(2) - '0';
        if (size < 1 || shape.elements() > (Integer.MAX_VALUE - 8L) / size) {
            throw invalid(
                    file,
                    "has %d elements, more than fit into one array; write safetensors".formatted(shape.elements()));
        }
        int count = (int) shape.elements();
        switch (type) {
            case "|u1" -> {
                ByteBuffer bytes = little(stream, count);
                float[] values = new float[count];
                for (int i = 0; i < count; i++) {
                    values[i] = Byte.toUnsignedInt(bytes.get(i));
                }
                return new NpyFile(new HostTensor.Floats(shape, values), true);
            }
            case "<f4" -> {
                float[] values = new float[count];
                little(stream, count * Float.BYTES).asFloatBuffer().get(values);
                return new NpyFile(new HostTensor.Floats(shape, values), false);
            }
            case "<f8" -> {
                double[] values = new double[count];
                little(stream, count * Double.BYTES).asDoubleBuffer().get(values);
                return new NpyFile(new HostTensor.Doubles(shape, values), false);
            }
            case "<i8" -> {
                long[] values = new long[count];
                little(stream, count * Long.BYTES).asLongBuffer().get(values);
                return new NpyFile(new HostTensor.Longs(shape, values), false);
            }
            case "<i4" -> {
                int[] values = new int[count];
                little(stream, count * Integer.BYTES).asIntBuffer().get(values);
                return new NpyFile(
                        new HostTensor.Longs(
                                shape, Arrays.stream(values).asLongStream().toArray()),
                        false);
            }
            default ->
                throw invalid(file, "has numbers of type %s, but |u1, <i4, <i8, <f4 and <f8 are read".formatted(type));
        }
    }

    private static ByteBuffer little(InputStream stream, int count) throws IOException {
        byte[] bytes = stream.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException("it is cut short");
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The numbers as class indices, where they are bytes. */
    HostTensor asTargets() {
        if (!areBytes) {
            return values;
        }
        long[] classes = new long[(int) values.shape().elements()];
        for (int i = 0; i < classes.length; i++) {
            classes[i] = (long) values.value(i);
        }
        return new HostTensor.Longs(values.shape(), classes);
    }

    static BackpackException invalid(String file, String what) {
        return new BackpackException(FormatProblems.INVALID_FILE, "File '%s' %s.".formatted(file, what));
    }
}
