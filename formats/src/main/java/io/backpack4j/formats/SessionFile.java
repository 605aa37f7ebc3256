// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sessions as safetensors files. The header's {@code __metadata__} holds {@code format} and {@code version}, and what
 * the session belongs to under {@code session.*}: model, loss, parameters' checksum, requests, seed. The tensors are
 * {@code sample_ids} and the session's own state, sums with their rounding errors; they are for going on, not for
 * reading results off.
 */
public final class SessionFile {

    private static final String FORMAT = "format";
    private static final String FORMAT_NAME = "backpack4j session";
    private static final String VERSION = "version";
    private static final String VERSION_NUMBER = "1";
    private static final String PROPERTY = "session.";
    private static final String SAMPLE_IDS = "sample_ids";
    private static final int PIECE = 1 << 18;

    private SessionFile() {}

    /**
     * Saves a session, which goes on. The file is replaced as a whole or not at all.
     *
     * @throws BackpackException if it cannot be written
     */
    public static void save(Session session, Path target) {
        SessionState state = session.state();
        SafetensorsWriterBuilder builder =
                SafetensorsWriter.to(target).metadata(FORMAT, FORMAT_NAME).metadata(VERSION, VERSION_NUMBER);
        state.properties().forEach((name, value) -> builder.metadata(PROPERTY + name, value));
        long[] ids = state.sampleIds();
        builder.tensor(SAMPLE_IDS, DType.INT64, Shape.of(ids.length));
        state.tensors().forEach((name, numbers) -> builder.tensor(name, numbers.dtype(), numbers.shape()));
        try (SafetensorsWriter writer = builder.open()) {
            writer.write(SAMPLE_IDS, 0, ids, 0, ids.length);
            state.tensors().forEach((name, numbers) -> write(writer, name, numbers));
            writer.commit();
        }
    }

    private static void write(SafetensorsWriter writer, String name, SessionState.Numbers numbers) {
        long elements = numbers.shape().elements();
        if (numbers.dtype() == DType.INT64) {
            long[] integers = new long[Math.toIntExact(elements)];
            numbers.readIntegers(0, integers, 0, integers.length);
            writer.write(name, 0, integers, 0, integers.length);
            return;
        }
        double[] piece = new double[(int) Math.min(PIECE, elements)];
        for (long from = 0; from < elements; from += piece.length) {
            int count = (int) Math.min(piece.length, elements - from);
            numbers.read(from, piece, 0, count);
            writer.write(name, from, piece, 0, count);
        }
    }

    /**
     * Adds what a file holds to a session; see {@link Session#merge(SessionState)}. An empty session goes on where the
     * saved one stood.
     *
     * @param session for an equal model with equal numbers, with the same requests and seed
     * @throws BackpackException if the file cannot be read, is not a session of this version, or is of a session that
     *     does not fit, with every difference
     */
    public static void load(Session session, Path source) {
        try (Safetensors file = Safetensors.open(source)) {
            requireVersion(file, source.toString());
            Map<String, String> properties = new LinkedHashMap<>();
            file.metadata().forEach((name, value) -> {
                if (name.startsWith(PROPERTY)) {
                    properties.put(name.substring(PROPERTY.length()), value);
                }
            });
            Map<String, SessionState.Numbers> tensors = new LinkedHashMap<>();
            file.tensors().forEach((name, tensor) -> {
                if (!name.equals(SAMPLE_IDS)) {
                    tensors.put(name, new FileNumbers(file, tensor, type(tensor, source.toString())));
                }
            });
            SessionState state = new SessionState(properties, file.readLongs(SAMPLE_IDS), tensors);
            merge(session, state, source.toString());
        }
    }

    private static void merge(Session session, SessionState state, String file) {
        try {
            session.merge(state);
        } catch (BackpackException e) {
            throw new BackpackException(e.problems().stream()
                    .map(problem -> new Problem(
                            problem.id(), "File %s: %s".formatted(Failures.quoted(file), problem.message())))
                    .toList());
        }
    }

    private static void requireVersion(Safetensors file, String name) {
        if (!FORMAT_NAME.equals(file.metadata().get(FORMAT))) {
            throw Failures.invalid(
                    name, "is not a saved session: its metadata has no '%s' of '%s'.".formatted(FORMAT, FORMAT_NAME));
        }
        String version = String.valueOf(file.metadata().get(VERSION));
        if (!VERSION_NUMBER.equals(version)) {
            throw Failures.invalid(
                    name,
                    "is a session of version %s, but only version %s can be read. Use the library that wrote it, or accumulate again."
                            .formatted(Failures.quoted(version), VERSION_NUMBER));
        }
    }

    private static DType type(TensorInfo tensor, String file) {
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

    /** Numbers in an open file. */
    private record FileNumbers(Safetensors file, TensorInfo tensor, DType dtype) implements SessionState.Numbers {

        @Override
        public Shape shape() {
            return tensor.shape();
        }

        @Override
        public void readIntegers(long from, long[] target, int offset, int count) {
            file.read(tensor.name(), from, target, offset, count);
        }

        @Override
        public void read(long from, double[] target, int offset, int count) {
            if (dtype == DType.INT64) {
                long[] integers = new long[count];
                readIntegers(from, integers, 0, count);
                for (int i = 0; i < count; i++) {
                    target[offset + i] = integers[i];
                }
                return;
            }
            file.read(tensor.name(), from, target, offset, count);
        }
    }
}
