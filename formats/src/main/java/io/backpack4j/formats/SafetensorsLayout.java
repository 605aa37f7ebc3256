// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What stands where in a safetensors file that is to be written.
 *
 * @param tensors in the order in which their elements stand
 * @param start all bytes before the first element
 */
record SafetensorsLayout(Map<String, TensorInfo> tensors, ByteBuffer start) {

    private static final int ALIGNMENT = 8;

    /** A tensor to be written. */
    record Declared(String name, SafetensorsType type, Shape shape) {}

    /** @param file its name, for messages */
    static SafetensorsLayout of(String file, Map<String, String> metadata, Collection<Declared> declared) {
        Map<String, TensorInfo> tensors = layout(file, declared);
        byte[] json = header(metadata, tensors).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (padded > SafetensorsHeader.MAX_BYTES) {
            throw Failures.unwritable(
                    file,
                    "its header has %d bytes, but at most %d are possible"
                            .formatted(padded, SafetensorsHeader.MAX_BYTES));
        }
        ByteBuffer start = ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES + padded)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(padded)
                .put(json);
        while (start.hasRemaining()) {
            start.put((byte) ' ');
        }
        return new SafetensorsLayout(tensors, start.flip());
    }

    /** Wide types come first: then every tensor is aligned to its type. */
    private static Map<String, TensorInfo> layout(String file, Collection<Declared> declared) {
        List<Declared> ordered = new ArrayList<>(declared);
        ordered.sort(Comparator.comparingInt(tensor -> -tensor.type().bytes()));
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        long begin = 0;
        for (Declared tensor : ordered) {
            long end = end(file, begin, tensor);
            tensors.put(tensor.name(), new TensorInfo(tensor.name(), tensor.type(), tensor.shape(), begin, end));
            begin = end;
        }
        return tensors;
    }

    private static long end(String file, long begin, Declared tensor) {
        try {
            long bytes = Math.multiplyExact(
                    tensor.shape().elements(), (long) tensor.type().bytes());
            return Math.addExact(begin, bytes);
        } catch (ArithmeticException e) {
            throw Failures.unwritable(
                    file,
                    "tensor %s of shape %s is too large".formatted(Failures.quoted(tensor.name()), tensor.shape()));
        }
    }

    /**
     * Written token by token: making Jackson's tree of it would load the whole data binding, a tenth of a second of a
     * short command.
     */
    private static String header(Map<String, String> metadata, Map<String, TensorInfo> tensors) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(SafetensorsHeader.METADATA);
                for (Map.Entry<String, String> entry : metadata.entrySet()) {
                    json.writeStringField(entry.getKey(), entry.getValue());
                }
                json.writeEndObject();
            }
            for (TensorInfo tensor : tensors.values()) {
                json.writeObjectFieldStart(tensor.name());
                json.writeStringField(SafetensorsHeader.DTYPE, tensor.type().name());
                json.writeFieldName(SafetensorsHeader.SHAPE);
                long[] sizes = tensor.shape().toArray();
                json.writeArray(sizes, 0, sizes.length);
                json.writeFieldName(SafetensorsHeader.OFFSETS);
                json.writeArray(new long[] {tensor.begin(), tensor.end()}, 0, 2);
                json.writeEndObject();
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }
}
