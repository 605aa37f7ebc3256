// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.SessionState.Numbers;
import io.backpack4j.spi.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/** The bytes of a safetensors file, from the first to the last, through streams of the caller's, some at a time. */
final class SafetensorsStream {

    /** What messages call a stream in place of a file's name. */
    static final String NAME = "<stream>";

    private static final int PIECE = 1 << 16;

    private SafetensorsStream() {}

    static void write(OutputStream target, Map<String, String> metadata, Map<String, Numbers> tensors)
            throws IOException {
        List<SafetensorsLayout.Declared> declared = new ArrayList<>();
        tensors.forEach((name, numbers) -> declared.add(
                new SafetensorsLayout.Declared(name, SafetensorsType.of(numbers.dtype()), numbers.shape())));
        SafetensorsLayout layout = SafetensorsLayout.of(NAME, metadata, declared);
        target.write(layout.start().array(), 0, layout.start().limit());
        for (TensorInfo tensor : layout.tensors().values()) {
            write(target, Objects.requireNonNull(tensors.get(tensor.name())));
        }
    }

    private static void write(OutputStream target, Numbers numbers) throws IOException {
        long elements = numbers.shape().elements();
        int most = (int) Math.min(PIECE, elements);
        double[] reals = new double[numbers.dtype() == DType.INT64 ? 0 : most];
        long[] integers = new long[numbers.dtype() == DType.INT64 ? most : 0];
        ByteBuffer bytes = ByteBuffer.allocate(most * numbers.dtype().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (long from = 0; from < elements; from += most) {
            int count = (int) Math.min(most, elements - from);
            bytes.clear();
            switch (numbers.dtype()) {
                case INT64 -> {
                    numbers.readIntegers(from, integers, 0, count);
                    bytes.asLongBuffer().put(integers, 0, count);
                }
                case FLOAT64 -> {
                    numbers.read(from, reals, 0, count);
                    bytes.asDoubleBuffer().put(reals, 0, count);
                }
                case FLOAT32 -> {
                    numbers.read(from, reals, 0, count);
                    for (int i = 0; i < count; i++) {
                        bytes.putFloat((float) reals[i]);
                    }
                }
            }
            target.write(bytes.array(), 0, count * numbers.dtype().bytes());
        }
    }

    /**
     * Reads as far as the tensors go, and not a byte further.
     *
     * @param header sees the header, and refuses what is not wanted, before any tensor is read
     */
    static Map<String, Numbers> read(InputStream source, Consumer<SafetensorsHeader> header) throws IOException {
        byte[] start = source.readNBytes(SafetensorsHeader.LENGTH_BYTES);
        long length = start.length < SafetensorsHeader.LENGTH_BYTES
                ? 0
                : ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 1 || length > SafetensorsHeader.MAX_BYTES) {
            byte[] more = source.readNBytes(ForeignFile.HEAD_BYTES - start.length);
            byte[] head = Arrays.copyOf(start, start.length + more.length);
            System.arraycopy(more, 0, head, start.length, more.length);
            ForeignFile.refuse(head, NAME, ForeignFile.Wanted.TENSORS);
            throw Failures.invalid(
                    NAME,
                    "is not a saved session, or is cut short: its header's length is %s, but must be from 1 to %d."
                            .formatted(Long.toUnsignedString(length), SafetensorsHeader.MAX_BYTES));
        }
        byte[] json = source.readNBytes((int) length);
        if (json.length < length) {
            throw Failures.invalid(
                    NAME,
                    "is cut short: it has %d of the %d bytes of its header. Write it again."
                            .formatted(json.length, length));
        }
        SafetensorsHeader read = new SafetensorsHeader(NAME, ByteBuffer.wrap(json), SafetensorsHeader.UNKNOWN_BYTES);
        header.accept(read);
        return read(source, read.tensors());
    }

    /** The type of numbers that a state may hold. */
    static DType type(TensorInfo tensor, String file) {
        return switch (tensor.type()) {
            case F64 -> DType.FLOAT64;
            case F32 -> DType.FLOAT32;
            case I64 -> DType.INT64;
            default ->
                throw Failures.invalid(
                        file,
                        "has tensor %s of %s, but sessions hold F64, F32 and I64."
                                .formatted(Failures.quoted(tensor.name()), tensor.type()));
        };
    }

    private static Map<String, Numbers> read(InputStream source, Map<String, TensorInfo> tensors) throws IOException {
        List<TensorInfo> ordered = new ArrayList<>(tensors.values());
        ordered.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
        Map<String, Numbers> all = new LinkedHashMap<>();
        for (TensorInfo tensor : ordered) {
            all.put(tensor.name(), HeldNumbers.read(source, tensor, type(tensor, NAME)));
        }
        return all;
    }
}
