// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * An open safetensors file, or several of which one checkpoint is made. A header is read and checked as a whole when it
 * is opened; elements are read by ranges, straight from the file, which may be larger than memory. May be read by
 * several threads.
 */
public final class Safetensors implements AutoCloseable {

    private static final int CHUNK_BYTES = 1 << 16;
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;
    private static final int MAX_NAMES_SHOWN = 20;

    private final Path path;
    private final Map<String, Place> places;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata;
    private final List<OpenFile> files;

    /** An open file, and where its data section begins. */
    private record OpenFile(Path path, FileChannel channel, long dataStart) {}

    /** Where a tensor is. */
    private record Place(TensorInfo tensor, OpenFile file) {}

    private Safetensors(Path path, List<OpenFile> files, Map<String, Place> places, Map<String, String> metadata) {
        this.path = path;
        this.files = List.copyOf(files);
        this.places = places;
        this.metadata = metadata;
        places.forEach((name, place) -> tensors.put(name, place.tensor()));
    }

    /**
     * Opens a file. One whose name ends in {@code .index.json} lists the files beside it that a checkpoint is made of.
     *
     * @throws BackpackException if it, or a file that it lists, cannot be read or is not a valid safetensors file
     */
    public static Safetensors open(Path path) {
        return ShardIndex.isIndex(path) ? openShards(path) : openOne(path);
    }

    private static Safetensors openShards(Path index) {
        List<OpenFile> files = new ArrayList<>();
        Map<String, Place> places = new LinkedHashMap<>();
        try {
            ShardIndex.read(index).files().forEach((shard, names) -> {
                Safetensors part = openOne(shard);
                files.addAll(part.files);
                ShardIndex.requireSame(index, shard, names, part.places.keySet());
                places.putAll(part.places);
            });
            return new Safetensors(index, files, places, Map.of());
        } catch (RuntimeException e) {
            files.forEach(Safetensors::close);
            throw e;
        }
    }

    /**
     * The same open files with other names for their tensors.
     *
     * @param names new names to names that are there now
     */
    Safetensors named(Map<String, String> names) {
        Map<String, Place> renamed = new LinkedHashMap<>();
        names.forEach((name, now) -> {
            Place place = Objects.requireNonNull(places.get(now), now);
            TensorInfo tensor = place.tensor();
            TensorInfo other = new TensorInfo(name, tensor.type(), tensor.shape(), tensor.begin(), tensor.end());
            renamed.put(name, new Place(other, place.file()));
        });
        return new Safetensors(path, files, renamed, metadata);
    }

    private static Safetensors openOne(Path path) {
        if (Files.isDirectory(path)) {
            throw Failures.invalid(path.toString(), "cannot be read: it is a directory. Name a file in it.");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw Failures.invalid(path.toString(), "cannot be read: it is not a regular file.");
        }
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            try {
                return read(path, channel);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw Failures.unreadable(path.toString(), e);
        }
    }

    private static Safetensors read(Path path, FileChannel channel) throws IOException {
        long size = channel.size();
        long headerBytes = readHeaderLength(path, channel, size);
        OpenFile file = new OpenFile(path, channel, SafetensorsHeader.LENGTH_BYTES + headerBytes);
        ByteBuffer json = readFully(channel, SafetensorsHeader.LENGTH_BYTES, (int) headerBytes);
        if (json.get(0) != '{') {
            refuseForeign(path, channel, size);
        }
        SafetensorsHeader header = new SafetensorsHeader(path.toString(), json, size - file.dataStart());
        Map<String, Place> places = new LinkedHashMap<>();
        header.tensors().forEach((name, tensor) -> places.put(name, new Place(tensor, file)));
        return new Safetensors(path, List.of(file), places, header.metadata());
    }

    /** All tensors by name, in the order of the header. */
    public Map<String, TensorInfo> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** The strings that the file says about itself. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /**
     * One tensor.
     *
     * @throws BackpackException if the file has no tensor of that name
     */
    public TensorInfo tensor(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null) {
            throw Failures.invalid(
                    path.toString(), "has no tensor %s. It has: %s.".formatted(Failures.quoted(name), names()));
        }
        return tensor;
    }

    /**
     * Reads {@code count} elements of a floating tensor, from position {@code from} of the row-major order on.
     *
     * @throws BackpackException if there is no such tensor, or it does not hold real numbers, or the file cannot be
     *     read
     */
    public void read(String name, long from, double[] target, int offset, int count) {
        TensorInfo tensor = floating(name);
        Objects.checkFromIndexSize(offset, count, target.length);
        readChunks(
                tensor,
                from,
                count,
                (bytes, done, elements) -> Elements.decode(tensor.type(), bytes, target, offset + done, elements));
    }

    /**
     * Reads elements of a floating tensor, rounded to {@code float}; see {@link #read(String, long, double[], int,
     * int)}.
     */
    public void read(String name, long from, float[] target, int offset, int count) {
        TensorInfo tensor = floating(name);
        Objects.checkFromIndexSize(offset, count, target.length);
        readChunks(
                tensor,
                from,
                count,
                (bytes, done, elements) -> Elements.decode(tensor.type(), bytes, target, offset + done, elements));
    }

    /**
     * Reads elements of an integer tensor; see {@link #read(String, long, double[], int, int)}.
     *
     * @throws BackpackException also if an unsigned number does not fit
     */
    public void read(String name, long from, long[] target, int offset, int count) {
        TensorInfo tensor = integers(name);
        Objects.checkFromIndexSize(offset, count, target.length);
        readChunks(tensor, from, count, (bytes, done, elements) -> {
            Elements.decode(tensor.type(), bytes, target, offset + done, elements);
            if (tensor.type() == SafetensorsType.U64) {
                checkSigned(name, target, offset + done, elements);
            }
        });
    }

    /** All elements of a floating tensor. */
    public double[] readDoubles(String name) {
        double[] values = new double[arrayLength(floating(name))];
        read(name, 0, values, 0, values.length);
        return values;
    }

    /** All elements of a floating tensor, rounded to {@code float}. */
    public float[] readFloats(String name) {
        float[] values = new float[arrayLength(floating(name))];
        read(name, 0, values, 0, values.length);
        return values;
    }

    /** All elements of an integer tensor. */
    public long[] readLongs(String name) {
        long[] values = new long[arrayLength(integers(name))];
        read(name, 0, values, 0, values.length);
        return values;
    }

    @Override
    public void close() {
        files.forEach(Safetensors::close);
    }

    private static void close(OpenFile file) {
        try {
            file.channel().close();
        } catch (IOException e) {
            throw Failures.unreadable(file.path().toString(), e);
        }
    }

    private static long readHeaderLength(Path path, FileChannel channel, long size) throws IOException {
        if (size < SafetensorsHeader.LENGTH_BYTES) {
            refuseForeign(path, channel, size);
            throw Failures.invalid(
                    path.toString(),
                    "is not a safetensors file: it has %d bytes, but its header's length alone takes 8."
                            .formatted(size));
        }
        long length = readFully(channel, 0, SafetensorsHeader.LENGTH_BYTES).getLong();
        long most = Math.min(SafetensorsHeader.MAX_BYTES, size - SafetensorsHeader.LENGTH_BYTES);
        if (length < 1 || length > most) {
            refuseForeign(path, channel, size);
            throw Failures.invalid(
                    path.toString(),
                    "is not a safetensors file, or is cut short: its header's length is %s, but must be from 1 to %d."
                            .formatted(Long.toUnsignedString(length), most));
        }
        return length;
    }

    /** Called only where the file is invalid: any length of a header may look like something else. */
    private static void refuseForeign(Path path, FileChannel channel, long size) throws IOException {
        byte[] head = new byte[(int) Math.min(size, ForeignFile.HEAD_BYTES)];
        readFully(channel, 0, head.length).get(head);
        ForeignFile.refuse(head, path.toString(), ForeignFile.Wanted.TENSORS);
    }

    private TensorInfo floating(String name) {
        TensorInfo tensor = tensor(name);
        if (!tensor.type().isFloating()) {
            throw wrongType(tensor, "real numbers are needed: F64, F32, F16 or BF16");
        }
        return tensor;
    }

    private TensorInfo integers(String name) {
        TensorInfo tensor = tensor(name);
        if (tensor.type().isFloating()) {
            throw wrongType(tensor, "integers are needed, such as I64");
        }
        return tensor;
    }

    private BackpackException wrongType(TensorInfo tensor, String needed) {
        return Failures.invalid(
                path.toString(),
                "has tensor %s of %s, but %s.".formatted(Failures.quoted(tensor.name()), tensor.type(), needed));
    }

    private String names() {
        Set<String> names = new TreeSet<>(tensors.keySet());
        String shown =
                names.stream().limit(MAX_NAMES_SHOWN).map(Failures::quoted).collect(Collectors.joining(", "));
        int others = names.size() - MAX_NAMES_SHOWN;
        return others > 0 ? shown + " and " + others + " others" : shown;
    }

    private int arrayLength(TensorInfo tensor) {
        if (tensor.shape().elements() > MAX_ARRAY) {
            throw Failures.invalid(
                    path.toString(),
                    "has tensor %s of shape %s, which does not fit into one array. Read it in ranges."
                            .formatted(Failures.quoted(tensor.name()), tensor.shape()));
        }
        return (int) tensor.shape().elements();
    }

    private void checkSigned(String name, long[] values, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            if (values[i] < 0) {
                throw Failures.invalid(
                        path.toString(),
                        "has tensor %s with the value %s, which does not fit into a signed 64-bit integer."
                                .formatted(Failures.quoted(name), Long.toUnsignedString(values[i])));
            }
        }
    }

    private interface ChunkReader {
        void accept(ByteBuffer bytes, int done, int elements);
    }

    private void readChunks(TensorInfo tensor, long from, int count, ChunkReader reader) {
        Objects.checkFromIndexSize(from, count, tensor.shape().elements());
        int bytes = tensor.type().bytes();
        int chunk = CHUNK_BYTES / bytes;
        OpenFile file = Objects.requireNonNull(places.get(tensor.name())).file();
        long position = file.dataStart() + tensor.begin() + from * bytes;
        try {
            for (int done = 0; done < count; ) {
                int elements = Math.min(chunk, count - done);
                reader.accept(
                        readFully(file.channel(), position + (long) done * bytes, elements * bytes), done, elements);
                done += elements;
            }
        } catch (IOException e) {
            throw Failures.unreadable(file.path().toString(), e);
        }
    }

    private static ByteBuffer readFully(FileChannel channel, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new EOFException();
            }
        }
        return buffer.flip();
    }
}
