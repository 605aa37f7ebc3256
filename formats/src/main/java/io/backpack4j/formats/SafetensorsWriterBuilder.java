// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Declares what a {@link SafetensorsWriter} writes. */
public final class SafetensorsWriterBuilder {

    private record Declared(String name, SafetensorsType type, Shape shape) {}

    private static final int ALIGNMENT = 8;

    private final Path target;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, Declared> declared = new LinkedHashMap<>();

    SafetensorsWriterBuilder(Path target) {
        this.target = target;
    }

    /** Adds a string that the file says about itself. */
    public SafetensorsWriterBuilder metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Declares a tensor. Names are unique. */
    public SafetensorsWriterBuilder tensor(String name, DType type, Shape shape) {
        if (name.equals(SafetensorsHeader.METADATA)) {
            throw new IllegalArgumentException("'%s' is not a name for tensors".formatted(name));
        }
        if (declared.putIfAbsent(name, new Declared(name, SafetensorsType.of(type), shape)) != null) {
            throw new IllegalArgumentException("Tensor '%s' was declared twice".formatted(name));
        }
        return this;
    }

    /**
     * Creates the file under a temporary name in the target's directory and writes its header.
     *
     * @throws io.backpack4j.spi.BackpackException if the file cannot be written
     */
    public SafetensorsWriter open() {
        Map<String, TensorInfo> tensors = layout();
        byte[] json = header(tensors).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (padded > SafetensorsHeader.MAX_BYTES) {
            throw Failures.unwritable(
                    target.toString(),
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
        ReplacementFile file = ReplacementFile.create(target);
        try {
            file.write(0, start.flip());
            return new SafetensorsWriter(file, start.limit(), tensors);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** Wide types come first: then every tensor is aligned to its type. */
    private Map<String, TensorInfo> layout() {
        List<Declared> ordered = new ArrayList<>(declared.values());
        ordered.sort(Comparator.comparingInt(tensor -> -tensor.type().bytes()));
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        long begin = 0;
        for (Declared tensor : ordered) {
            long end = end(begin, tensor);
            tensors.put(tensor.name(), new TensorInfo(tensor.name(), tensor.type(), tensor.shape(), begin, end));
            begin = end;
        }
        return tensors;
    }

    private long end(long begin, Declared tensor) {
        try {
            long bytes = Math.multiplyExact(
                    tensor.shape().elements(), (long) tensor.type().bytes());
            return Math.addExact(begin, bytes);
        } catch (ArithmeticException e) {
            throw Failures.unwritable(
                    target.toString(),
                    "tensor %s of shape %s is too large".formatted(Failures.quoted(tensor.name()), tensor.shape()));
        }
    }

    /**
     * Written token by token: making Jackson's tree of it would load the whole data binding, a tenth of a second of a
     * short command.
     */
    private String header(Map<String, TensorInfo> tensors) {
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
