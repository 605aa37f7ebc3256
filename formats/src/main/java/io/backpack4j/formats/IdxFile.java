// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** A tensor of unsigned bytes in the IDX format, which MNIST uses; gzip'ed or not. Immutable. */
public final class IdxFile {

    private static final int UNSIGNED_BYTE = 0x08;
    private static final int MAX_ELEMENTS = 1 << 28;
    private static final int GZIP_MAGIC = 0x1f8b;

    private final Shape shape;
    private final byte[] values;

    private IdxFile(Shape shape, byte[] values) {
        this.shape = shape;
        this.values = values;
    }

    /** Holds values that need not come from a file; the low eight bits of each count. */
    public static IdxFile of(Shape shape, byte[] values) {
        if (shape.elements() != values.length || shape.rank() > 0xff) {
            throw new IllegalArgumentException("%d values do not have shape %s".formatted(values.length, shape));
        }
        return new IdxFile(shape, values.clone());
    }

    /**
     * Reads a file.
     *
     * @throws BackpackException if it cannot be read or is not an IDX file of unsigned bytes
     */
    public static IdxFile read(Path path) {
        try (InputStream stream = Files.newInputStream(path)) {
            return read(stream, path.toString());
        } catch (IOException e) {
            throw Failures.unreadable(path.toString(), e);
        }
    }

    /**
     * Reads a stream to its end. The caller closes it.
     *
     * @param stream an IDX file's content
     * @param file where it comes from, for messages
     * @throws BackpackException if it cannot be read or is not an IDX file of unsigned bytes
     */
    public static IdxFile read(InputStream stream, String file) {
        try {
            InputStream buffered = new BufferedInputStream(stream);
            buffered.mark(2);
            int magic = buffered.read() << 8 | buffered.read();
            buffered.reset();
            return readPlain(magic == GZIP_MAGIC ? new GZIPInputStream(buffered) : buffered, file);
        } catch (IOException e) {
            throw Failures.unreadable(file, e);
        }
    }

    /**
     * Writes this tensor to a file, as a whole or not at all; gzip'ed if its name ends in {@code .gz}.
     *
     * @throws BackpackException if it cannot be written
     */
    public void write(Path target) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream packed = target.toString().endsWith(".gz") ? new GZIPOutputStream(bytes) : bytes;
                DataOutputStream data = new DataOutputStream(packed)) {
            data.writeInt(UNSIGNED_BYTE << 8 | shape.rank());
            for (long size : shape.toArray()) {
                data.writeInt(Math.toIntExact(size));
            }
            data.write(values);
        } catch (IOException e) {
            throw Failures.unwritable(target.toString(), e);
        }
        try (ReplacementFile file = ReplacementFile.create(target)) {
            file.write(0, ByteBuffer.wrap(bytes.toByteArray()));
            file.commit();
        }
    }

    public Shape shape() {
        return shape;
    }

    /** The number of elements. */
    public int size() {
        return values.length;
    }

    /** One element, 0 to 255, by its position in row-major order. */
    public int value(int index) {
        return Byte.toUnsignedInt(values[Objects.checkIndex(index, values.length)]);
    }

    private static IdxFile readPlain(InputStream content, String file) throws IOException {
        InputStream stream = new BufferedInputStream(content);
        stream.mark(ForeignFile.HEAD_BYTES);
        byte[] head = stream.readNBytes(ForeignFile.HEAD_BYTES);
        stream.reset();
        if (head.length == 0) {
            ForeignFile.refuse(head, file, ForeignFile.Wanted.IDX);
        }
        int magic = readInt(stream);
        if (magic >>> 8 != UNSIGNED_BYTE) {
            ForeignFile.refuse(head, file, ForeignFile.Wanted.IDX);
            throw Failures.invalid(
                    file,
                    "is not an IDX file of unsigned bytes: it begins with %08x, but must begin with 000008 and the number of axes."
                            .formatted(magic));
        }
        Shape shape = readShape(stream, magic & 0xff, file);
        byte[] values = stream.readNBytes((int) shape.elements());
        if (values.length < shape.elements()) {
            throw Failures.invalid(
                    file,
                    "has %d elements, but its shape %s needs %d.".formatted(values.length, shape, shape.elements()));
        }
        if (stream.read() >= 0) {
            throw Failures.invalid(
                    file, "goes on after the %d elements of its shape %s.".formatted(values.length, shape));
        }
        return new IdxFile(shape, values);
    }

    private static Shape readShape(InputStream stream, int rank, String file) throws IOException {
        long[] sizes = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            sizes[axis] = Integer.toUnsignedLong(readInt(stream));
        }
        Shape shape = checkedShape(sizes, file);
        if (shape.elements() > MAX_ELEMENTS) {
            throw Failures.invalid(
                    file, "has shape %s, but at most %d elements are possible.".formatted(shape, MAX_ELEMENTS));
        }
        return shape;
    }

    private static Shape checkedShape(long[] sizes, String file) {
        try {
            return Shape.of(sizes);
        } catch (BackpackException e) {
            throw Failures.invalid(file, "has a shape with more elements than can be counted.");
        }
    }

    private static int readInt(InputStream stream) throws IOException {
        byte[] bytes = stream.readNBytes(Integer.BYTES);
        if (bytes.length < Integer.BYTES) {
            throw new EOFException();
        }
        return ByteBuffer.wrap(bytes).getInt();
    }
}
