// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.spi.BackpackException;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.zip.CRC32C;

/**
 * Writes a log as an event file of TensorBoard: numbers as scalars, one-dimensional histograms as histograms, metrics
 * of epochs as scalars whose step is the epoch.
 *
 * <p>The file is a sequence of records: length, its checksum, bytes, their checksum, as {@code
 * tensorflow/core/lib/io/record_writer} says; the bytes are messages {@code Event} in protocol buffers' encoding.
 */
public final class TensorBoardExport {

    private static final int EVENT_TIME = 1;
    private static final int EVENT_STEP = 2;
    private static final int EVENT_VERSION = 3;
    private static final int EVENT_SUMMARY = 5;
    private static final int SUMMARY_VALUE = 1;
    private static final int VALUE_TAG = 1;
    private static final int VALUE_NUMBER = 2;
    private static final int VALUE_HISTOGRAM = 5;
    private static final int HISTOGRAM_LIMITS = 6;
    private static final int HISTOGRAM_COUNTS = 7;

    private final OutputStream stream;
    private final double time;

    private TensorBoardExport(OutputStream stream, double time) {
        this.stream = stream;
        this.time = time;
    }

    /**
     * Writes a file, named as TensorBoard looks for it, into a folder.
     *
     * @param seconds since 1970, for events' times where the log has no Time
     * @return the file
     */
    public static Path write(RunLog log, Path folder, long seconds) {
        Path target = folder.resolve("events.out.tfevents.%010d.backpack4j".formatted(seconds));
        try {
            Files.createDirectories(folder);
            try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(target))) {
                new TensorBoardExport(stream, seconds).write(log);
            }
        } catch (IOException e) {
            throw new BackpackException(
                    LogProblems.INVALID_LOG,
                    "The event file '%s' cannot be written: %s.".formatted(target, e.getMessage()),
                    e);
        }
        return target;
    }

    private void write(RunLog log) throws IOException {
        record(new Message().number(EVENT_TIME, time).text(EVENT_VERSION, "brain.Event:2"));
        Map<String, List<String>> names = new HashMap<>();
        Function<String, List<String>> ofLabel = label -> names.computeIfAbsent(label, log::names);
        for (Map.Entry<Long, Map<String, Value>> step : log.values().entrySet()) {
            double at = step.getValue().get("Time") instanceof Value.Scalar scalar ? scalar.value() : time;
            event(at, step.getKey(), "", step.getValue(), ofLabel);
        }
        for (Map.Entry<Long, Map<String, Value>> epoch : log.epochs().entrySet()) {
            event(time, epoch.getKey(), "epoch/", epoch.getValue(), label -> List.of());
        }
    }

    private void event(
            double at, long step, String prefix, Map<String, Value> values, Function<String, List<String>> names)
            throws IOException {
        Message summary = new Message();
        values.forEach((label, value) -> {
            if (value instanceof Value.Histogram histogram) {
                summary.message(
                        SUMMARY_VALUE,
                        new Message().text(VALUE_TAG, prefix + label).message(VALUE_HISTOGRAM, histogram(histogram)));
            }
            Map<String, Double> numbers = new LinkedHashMap<>();
            CsvExport.flatten(prefix + label, value, names.apply(label), numbers, new LinkedHashSet<>());
            numbers.forEach((tag, number) -> summary.message(
                    SUMMARY_VALUE, new Message().text(VALUE_TAG, tag).single(VALUE_NUMBER, number.floatValue())));
        });
        if (summary.bytes.size() > 0) {
            record(new Message()
                    .number(EVENT_TIME, at)
                    .integer(EVENT_STEP, step)
                    .message(EVENT_SUMMARY, summary));
        }
    }

    /** Sums are those of the bins' centres: single elements are not known. */
    private static Message histogram(Value.Histogram histogram) {
        int bins = histogram.counts().size();
        double count = 0;
        double sum = 0;
        double squares = 0;
        double[] limits = new double[bins];
        double[] counts = new double[bins];
        for (int i = 0; i < bins; i++) {
            double centre = (histogram.edges().get(i) + histogram.edges().get(i + 1)) / 2;
            counts[i] = histogram.counts().get(i);
            limits[i] = histogram.edges().get(i + 1);
            count += counts[i];
            sum += counts[i] * centre;
            squares += counts[i] * centre * centre;
        }
        return new Message()
                .number(1, histogram.edges().get(0))
                .number(2, histogram.edges().get(bins))
                .number(3, count)
                .number(4, sum)
                .number(5, squares)
                .numbers(HISTOGRAM_LIMITS, limits)
                .numbers(HISTOGRAM_COUNTS, counts);
    }

    private void record(Message message) throws IOException {
        byte[] bytes = message.bytes.toByteArray();
        byte[] length = little(8).putLong(bytes.length).array();
        stream.write(length);
        stream.write(little(4).putInt(maskedChecksum(length)).array());
        stream.write(bytes);
        stream.write(little(4).putInt(maskedChecksum(bytes)).array());
    }

    /** Checksums are rotated and shifted, so that those of data that hold checksums stay good. */
    static int maskedChecksum(byte[] bytes) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes);
        int value = (int) checksum.getValue();
        return ((value >>> 15) | (value << 17)) + 0xA282EAD8;
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A message of protocol buffers. */
    private static final class Message {

        private static final int VARINT = 0;
        private static final int DOUBLE = 1;
        private static final int BYTES = 2;
        private static final int FLOAT = 5;

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Message integer(int field, long value) {
            varint(((long) field << 3) | VARINT);
            varint(value);
            return this;
        }

        Message number(int field, double value) {
            varint(((long) field << 3) | DOUBLE);
            bytes.writeBytes(little(8).putDouble(value).array());
            return this;
        }

        Message single(int field, float value) {
            varint(((long) field << 3) | FLOAT);
            bytes.writeBytes(little(4).putFloat(value).array());
            return this;
        }

        Message numbers(int field, double[] values) {
            ByteBuffer packed = little(8 * values.length);
            for (double value : values) {
                packed.putDouble(value);
            }
            return bytes(field, packed.array());
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return bytes(field, value.bytes.toByteArray());
        }

        private Message bytes(int field, byte[] value) {
            varint(((long) field << 3) | BYTES);
            varint(value.length);
            bytes.writeBytes(value);
            return this;
        }

        private void varint(long value) {
            long rest = value;
            while ((rest & ~0x7FL) != 0) {
                bytes.write((int) ((rest & 0x7F) | 0x80));
                rest >>>= 7;
            }
            bytes.write((int) rest);
        }
    }
}
