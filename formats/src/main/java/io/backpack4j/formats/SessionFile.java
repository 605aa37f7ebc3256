// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Sessions as safetensors files, and their states as streams of the very same bytes. The header's {@code __metadata__}
 * holds {@code format} and {@code version}, and what the session belongs to under {@code session.*}: model, loss,
 * parameters' checksum, requests, seed, how samples are known and what becomes of results per sample. The tensors are
 * {@code sample_ids}, {@code sample_ranges} or {@code sample_count} and the session's own state, sums with their
 * rounding errors; they are for going on, not for reading results off. Files of version 1, whose sessions track ids and
 * keep results per sample, can be read.
 */
public final class SessionFile {

    private static final String FORMAT = "format";
    private static final String FORMAT_NAME = "backpack4j session";
    private static final String VERSION = "version";
    private static final String FIRST_VERSION = "1";
    private static final String THIS_VERSION = "2";
    private static final String PROPERTY = "session.";
    private static final int PIECE = 1 << 16;

    private SessionFile() {}

    /**
     * Saves a session, which goes on. The file is replaced as a whole or not at all.
     *
     * @throws BackpackException if it cannot be written
     */
    public static void save(Session session, Path target) {
        SessionState state = session.state();
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(target);
        metadata(state).forEach(builder::metadata);
        state.tensors().forEach((name, numbers) -> builder.tensor(name, numbers.dtype(), numbers.shape()));
        try (SafetensorsWriter writer = builder.open()) {
            state.tensors().forEach((name, numbers) -> write(writer, name, numbers));
            writer.commit();
        }
    }

    private static Map<String, String> metadata(SessionState state) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put(FORMAT, FORMAT_NAME);
        metadata.put(VERSION, THIS_VERSION);
        state.properties().forEach((name, value) -> metadata.put(PROPERTY + name, value));
        return metadata;
    }

    private static void write(SafetensorsWriter writer, String name, SessionState.Numbers numbers) {
        long elements = numbers.shape().elements();
        boolean whole = numbers.dtype() == DType.INT64;
        int most = (int) Math.min(PIECE, elements);
        double[] reals = new double[whole ? 0 : most];
        long[] integers = new long[whole ? most : 0];
        for (long from = 0; from < elements; from += most) {
            int count = (int) Math.min(most, elements - from);
            if (whole) {
                numbers.readIntegers(from, integers, 0, count);
                writer.write(name, from, integers, 0, count);
            } else {
                numbers.read(from, reals, 0, count);
                writer.write(name, from, reals, 0, count);
            }
        }
    }

    /**
     * Writes a state, which may be larger than an array or than memory: numbers are read from it some at a time. What
     * is written is a session's file.
     *
     * @param target stays open, and is not flushed
     * @throws IOException if the stream fails
     */
    public static void writeTo(SessionState state, OutputStream target) throws IOException {
        SafetensorsStream.write(target, metadata(state), state.tensors());
    }

    /**
     * Reads a state into memory; {@link Session#merge(SessionState)} takes it over.
     *
     * @param source is read as far as the state goes, and stays open
     * @throws IOException if the stream fails
     * @throws BackpackException if it ends too early, holds something else, or is of a version that is not known
     */
    public static SessionState readFrom(InputStream source) throws IOException {
        Map<String, String> properties = new LinkedHashMap<>();
        try {
            Map<String, SessionState.Numbers> tensors = SafetensorsStream.read(source, header -> {
                properties.putAll(properties(header.metadata(), SafetensorsStream.NAME));
                header.tensors().values().forEach(tensor -> SafetensorsStream.type(tensor, SafetensorsStream.NAME));
            });
            return new SessionState(properties, tensors);
        } catch (BackpackException e) {
            String file = "File " + Failures.quoted(SafetensorsStream.NAME);
            throw reworded(e, message -> message.replace(file, "The session's stream"));
        }
    }

    /**
     * Adds what a file holds to a session; see {@link Session#merge(SessionState)}. An empty session goes on where the
     * saved one stood.
     *
     * @param session for an equal model with equal numbers, with the same requests and options
     * @throws BackpackException if the file cannot be read, is not a session of a version that is known, or is of a
     *     session that does not fit, with every difference
     */
    public static void load(Session session, Path source) {
        String name = source.toString();
        try (Safetensors file = Safetensors.open(source)) {
            Map<String, String> properties = properties(file.metadata(), name);
            Map<String, SessionState.Numbers> tensors = new LinkedHashMap<>();
            file.tensors().forEach((tensor, info) -> {
                tensors.put(tensor, new FileNumbers(file, info, SafetensorsStream.type(info, name)));
            });
            merge(session, new SessionState(properties, tensors), name);
        }
    }

    private static void merge(Session session, SessionState state, String file) {
        try {
            session.merge(state);
        } catch (BackpackException e) {
            throw reworded(e, message -> "File %s: %s".formatted(Failures.quoted(file), message));
        }
    }

    private static BackpackException reworded(BackpackException failure, UnaryOperator<String> words) {
        List<Problem> problems = failure.problems().stream()
                .map(problem -> new Problem(problem.id(), words.apply(problem.message())))
                .toList();
        return new BackpackException(problems);
    }

    /** Reads what a session must have in common with the file's. */
    private static Map<String, String> properties(Map<String, String> metadata, String file) {
        if (!FORMAT_NAME.equals(metadata.get(FORMAT))) {
            throw Failures.invalid(
                    file, "is not a saved session: its metadata has no '%s' of '%s'.".formatted(FORMAT, FORMAT_NAME));
        }
        String version = String.valueOf(metadata.get(VERSION));
        if (!Set.of(FIRST_VERSION, THIS_VERSION).contains(version)) {
            throw Failures.invalid(
                    file,
                    "is a session of version %s, but only versions up to %s can be read. Use the library that wrote it, or accumulate again."
                            .formatted(Failures.quoted(version), THIS_VERSION));
        }
        Map<String, String> properties = new LinkedHashMap<>();
        metadata.forEach((name, value) -> {
            if (name.startsWith(PROPERTY)) {
                properties.put(name.substring(PROPERTY.length()), value);
            }
        });
        if (version.equals(FIRST_VERSION)) {
            properties.put("ids", SampleIds.TRACKED.name());
            properties.put("per_sample", PerSample.KEEP.name());
        }
        return properties;
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
