// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Samples that are only read one after the other, such as rows of a table, copied once into a temporary file, where
 * each has its place: from then on they are read in any order, in memory that does not depend on how many there are. A
 * sample takes 8 bytes for its id and 4 or 8 for each number.
 */
public final class SpooledSource implements DataSource {

    private final Path path;
    private final RandomAccessFile file;
    private final Layout form;
    private final long samples;

    /**
     * A tensor of a sample.
     *
     * @param dtype of its numbers
     * @param shape without the axis of samples
     */
    private record Part(DType dtype, Shape shape) {

        static Part of(HostTensor tensor) {
            DType dtype = tensor instanceof HostTensor.Longs
                    ? DType.INT64
                    : tensor instanceof HostTensor.Floats ? DType.FLOAT32 : DType.FLOAT64;
            return new Part(dtype, tensor.shape().dropFirst(1));
        }

        int elements() {
            return Math.toIntExact(shape.elements());
        }

        long bytes() {
            return shape.elements() * dtype.bytes();
        }

        void put(HostTensor from, int sample, ByteBuffer record) {
            int first = sample * elements();
            for (int i = first; i < first + elements(); i++) {
                if (from instanceof HostTensor.Longs longs) {
                    record.putLong(longs.values()[i]);
                } else if (from instanceof HostTensor.Floats floats) {
                    record.putFloat(floats.values()[i]);
                } else {
                    record.putDouble(from.value(i));
                }
            }
        }

        void get(ByteBuffer record, HostTensor to, int sample) {
            int first = sample * elements();
            for (int i = first; i < first + elements(); i++) {
                if (to instanceof HostTensor.Longs longs) {
                    longs.values()[i] = record.getLong();
                } else if (to instanceof HostTensor.Floats floats) {
                    floats.values()[i] = record.getFloat();
                } else if (to instanceof HostTensor.Doubles doubles) {
                    doubles.values()[i] = record.getDouble();
                }
            }
        }

        HostTensor allocate(int count) {
            return HostTensor.allocate(dtype, shape.prepend(count));
        }
    }

    /**
     * What the file has of a sample, behind its id.
     *
     * @param inputs by the model's names for them
     */
    private record Layout(Map<String, Part> inputs, Part target) {

        static Layout of(BatchData data) {
            Map<String, Part> inputs = new LinkedHashMap<>();
            data.inputs().forEach((name, tensor) -> inputs.put(name, Part.of(tensor)));
            return new Layout(inputs, Part.of(data.targets()));
        }

        int bytes() {
            long all = target.bytes();
            for (Part input : inputs.values()) {
                all += input.bytes();
            }
            return Math.toIntExact(Long.BYTES + all);
        }
    }

    private SpooledSource(Path path, RandomAccessFile file, Layout form, long samples) {
        this.path = path;
        this.file = file;
        this.form = form;
        this.samples = samples;
    }

    /**
     * Copies all samples of the first epoch.
     *
     * @param batches stay the caller's
     * @throws BackpackException if a sample cannot be used, or there is no room for the file
     */
    public static SpooledSource of(Batches batches) {
        Path path = temporary();
        boolean done = false;
        @Nullable RandomAccessFile file = null;
        try {
            file = new RandomAccessFile(path.toFile(), "rw");
            Layout form = Layout.of(batches.read(1, 0));
            ByteBuffer buffer = ByteBuffer.allocate(0);
            for (long number = 0; number < batches.perEpoch(); number++) {
                BatchData data = batches.read(1, number);
                if (!Layout.of(data).equals(form)) {
                    throw new IllegalStateException("batch %d has other shapes than the first".formatted(number));
                }
                buffer = sized(buffer, Math.multiplyExact(form.bytes(), data.samples()));
                write(data, form, buffer);
                file.write(buffer.array(), 0, buffer.position());
            }
            SpooledSource source = new SpooledSource(path, file, form, batches.samplesPerEpoch());
            done = true;
            return source;
        } catch (IOException e) {
            throw noRoom(path, e);
        } finally {
            if (!done) {
                remove(file, path);
            }
        }
    }

    private static Path temporary() {
        try {
            Path path = Files.createTempFile("backpack-rows", ".bin");
            // Whoever interrupts a run does not close its data.
            path.toFile().deleteOnExit();
            return path;
        } catch (IOException e) {
            throw noRoom(Path.of(System.getProperty("java.io.tmpdir")), e);
        }
    }

    private static BackpackException noRoom(Path path, IOException failure) {
        return new BackpackException(
                CommonProblems.INVALID_OPTION,
                "There is no room for the rows in '%s': %s. Name another place with -Djava.io.tmpdir=DIR in BACKPACK_OPTS, or take fewer columns or rows."
                        .formatted(path, failure.getMessage()),
                failure);
    }

    private static ByteBuffer sized(ByteBuffer buffer, int bytes) {
        return buffer.capacity() < bytes ? ByteBuffer.allocate(bytes) : buffer.clear();
    }

    private static void write(BatchData data, Layout form, ByteBuffer to) {
        List<HostTensor> inputs = new ArrayList<>(data.inputs().values());
        List<Part> parts = new ArrayList<>(form.inputs().values());
        for (int sample = 0; sample < data.samples(); sample++) {
            to.putLong(data.ids()[sample]);
            for (int i = 0; i < parts.size(); i++) {
                parts.get(i).put(inputs.get(i), sample, to);
            }
            form.target().put(data.targets(), sample, to);
        }
    }

    /** The shape of a sample's input. */
    public Shape sample(String input) {
        Part part = form.inputs().get(input);
        if (part == null) {
            throw new IllegalArgumentException(input);
        }
        return part.shape();
    }

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public synchronized BatchData read(long[] numbers, long epoch) {
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        form.inputs().forEach((name, part) -> inputs.put(name, part.allocate(numbers.length)));
        HostTensor targets = form.target().allocate(numbers.length);
        long[] ids = new long[numbers.length];
        byte[] bytes = new byte[form.bytes()];
        try {
            for (int i = 0; i < numbers.length; i++) {
                file.seek(numbers[i] * bytes.length);
                file.readFully(bytes);
                ByteBuffer record = ByteBuffer.wrap(bytes);
                ids[i] = record.getLong();
                int sample = i;
                form.inputs()
                        .forEach((name, part) -> part.get(record, Objects.requireNonNull(inputs.get(name)), sample));
                form.target().get(record, targets, i);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new BatchData(inputs, targets, ids);
    }

    /** Removes the file. */
    @Override
    public synchronized void close() {
        remove(file, path);
    }

    private static void remove(@Nullable RandomAccessFile file, Path path) {
        try {
            if (file != null) {
                file.close();
            }
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
