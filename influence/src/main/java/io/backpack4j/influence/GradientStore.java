// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Random projections of what training samples add to the gradient, in a file that is mapped into memory, not read: K
 * numbers per sample instead of as many as there are parameters. {@link Influence#writeStore} writes one. Immutable;
 * used by any number of threads.
 *
 * <p>All numbers are little-endian. The file is
 *
 * <ol>
 *   <li>a head of 80 bytes: the letters {@code BP4JGRAD}; the version, 1, and K as INT32; the number of samples N and
 *       the seed as INT64; SHA-256 of the model's numbers; 16 bytes of zero;
 *   <li>the samples' ids, INT64 {@code [N]};
 *   <li>the projections, float32 {@code [N, K]}: entry k of a row is the sum of all elements of the gradient, each with
 *       a sign that follows from the seed, k, the parameter's name and the element's place.
 * </ol>
 *
 * Nothing else may follow.
 */
public final class GradientStore {

    private static final byte[] LETTERS = "BP4JGRAD".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int HEAD = 80;
    private static final int DIGEST = 32;
    private static final int ZEROS = 16;
    /** Of one mapping, which has to be less than 2 GiB. */
    private static final long MAPPED = 1 << 30;

    private final Head head;
    private final long[] ids;
    private final List<MappedByteBuffer> parts;
    private final long rowsPerPart;

    /** What a file says of itself. */
    private record Head(int dimension, long samples, long seed, String fingerprint) {}

    private GradientStore(Head head, long[] ids, List<MappedByteBuffer> parts, long rowsPerPart) {
        this.head = head;
        this.ids = ids;
        this.parts = parts;
        this.rowsPerPart = rowsPerPart;
    }

    /** Of a file, whose head and size are checked. */
    public static GradientStore open(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return of(file, channel, head(file, channel), FileChannel.MapMode.READ_ONLY);
        } catch (IOException e) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT, "The gradient store %s cannot be read: %s".formatted(file, e), e);
        }
    }

    private static Head head(Path file, FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(HEAD).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
            // Until all is there, or the file ends.
        }
        byte[] letters = Arrays.copyOf(bytes.array(), LETTERS.length);
        if (bytes.hasRemaining() || !Arrays.equals(letters, LETTERS)) {
            throw broken(file, "it does not begin with 'BP4JGRAD' and the rest of a head of %d bytes".formatted(HEAD));
        }
        bytes.position(LETTERS.length);
        int version = bytes.getInt();
        int dimension = bytes.getInt();
        long samples = bytes.getLong();
        long seed = bytes.getLong();
        byte[] digest = new byte[DIGEST];
        bytes.get(digest);
        byte[] zeros = new byte[ZEROS];
        bytes.get(zeros);
        if (version != VERSION) {
            throw broken(file, "its version is %d, and %d is known".formatted(version, VERSION));
        }
        if (dimension < 1 || samples < 1 || samples > Integer.MAX_VALUE - 8 || !Arrays.equals(zeros, new byte[ZEROS])) {
            throw broken(
                    file,
                    "it says that it has %d samples of %d numbers; at least one of each is needed, at most 2147483639 samples, and zeros behind the digest"
                            .formatted(samples, dimension));
        }
        long size = size(samples, dimension);
        if (channel.size() != size) {
            throw broken(
                    file,
                    "%d samples of %d numbers take %d bytes, but it has %d"
                            .formatted(samples, dimension, size, channel.size()));
        }
        return new Head(dimension, samples, seed, HexFormat.of().formatHex(digest));
    }

    private static long size(long samples, int dimension) {
        return HEAD + samples * (Long.BYTES + (long) dimension * Float.BYTES);
    }

    private static BackpackException broken(Path file, String why) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT,
                "%s is no gradient store: %s. Write it again with Influence.writeStore.".formatted(file, why));
    }

    private static GradientStore of(Path file, FileChannel channel, Head head, FileChannel.MapMode mode)
            throws IOException {
        long[] ids = new long[Math.toIntExact(head.samples)];
        long rowBytes = (long) head.dimension * Float.BYTES;
        if (rowBytes > MAPPED) {
            throw broken(file, "a row of %d numbers is too long".formatted(head.dimension));
        }
        int idsAtOnce = (int) (MAPPED / Long.BYTES);
        for (int from = 0; from < ids.length; from += idsAtOnce) {
            int count = Math.min(idsAtOnce, ids.length - from);
            channel.map(FileChannel.MapMode.READ_ONLY, HEAD + (long) from * Long.BYTES, (long) count * Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer()
                    .get(ids, from, count);
        }
        long start = HEAD + head.samples * Long.BYTES;
        long rows = Math.max(1, MAPPED / rowBytes);
        List<MappedByteBuffer> parts = new ArrayList<>();
        for (long from = 0; from < head.samples; from += rows) {
            long count = Math.min(rows, head.samples - from);
            MappedByteBuffer part = channel.map(mode, start + from * rowBytes, count * rowBytes);
            part.order(ByteOrder.LITTLE_ENDIAN);
            parts.add(part);
        }
        return new GradientStore(head, ids, parts, rows);
    }

    /** Fills a store. */
    interface Writer {
        void write(GradientStore store);
    }

    /** Writes a file beside its place, and moves it there when all is written. */
    static void write(Path file, int dimension, long seed, String fingerprint, long[] ids, Writer writer) {
        Head head = new Head(dimension, ids.length, seed, fingerprint);
        Path unfinished = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(
                    unfinished,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer bytes = ByteBuffer.allocate(HEAD).order(ByteOrder.LITTLE_ENDIAN);
                bytes.put(LETTERS)
                        .putInt(VERSION)
                        .putInt(dimension)
                        .putLong(ids.length)
                        .putLong(seed);
                bytes.put(HexFormat.of().parseHex(fingerprint)).position(HEAD).flip();
                writeAll(channel, bytes, 0);
                ByteBuffer all = ByteBuffer.allocate(Math.multiplyExact(ids.length, Long.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
                all.asLongBuffer().put(ids);
                writeAll(channel, all, HEAD);
                writeAll(channel, ByteBuffer.allocate(1), size(ids.length, dimension) - 1);
                GradientStore store = of(unfinished, channel, head, FileChannel.MapMode.READ_WRITE);
                writer.write(store);
                store.parts.forEach(MappedByteBuffer::force);
            }
            try {
                Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The gradient store %s cannot be written: %s".formatted(file, e),
                    e);
        }
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** K. */
    public int dimension() {
        return head.dimension;
    }

    /** N. */
    public int samples() {
        return ids.length;
    }

    /** The samples' ids, in the order of the training data. */
    public long[] ids() {
        return ids.clone();
    }

    long seed() {
        return head.seed;
    }

    String fingerprint() {
        return head.fingerprint;
    }

    private int position(int sample, int k) {
        return Math.toIntExact((sample % rowsPerPart * head.dimension + k) * Float.BYTES);
    }

    private MappedByteBuffer part(int sample) {
        return parts.get((int) (sample / rowsPerPart));
    }

    void put(int sample, int k, double value) {
        part(sample).putFloat(position(sample, k), (float) value);
    }

    /** ⟨projection, vector⟩ / K. */
    double dot(int sample, double[] vector) {
        MappedByteBuffer part = part(sample);
        int start = position(sample, 0);
        double sum = 0;
        for (int k = 0; k < vector.length; k++) {
            sum += part.getFloat(start + k * Float.BYTES) * vector[k];
        }
        return sum / vector.length;
    }
}
