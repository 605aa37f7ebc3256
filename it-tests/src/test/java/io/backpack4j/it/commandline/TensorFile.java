// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A safetensors file by hand, so that it can be wrong. */
final class TensorFile {

    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private record Entry(String type, long[] shape, ByteBuffer data) {}

    /** Adds or replaces a tensor of real numbers. */
    TensorFile put(String name, long[] shape, double... values) {
        ByteBuffer data = buffer(values.length * Double.BYTES);
        data.asDoubleBuffer().put(values);
        entries.put(name, new Entry("F64", shape, data));
        return this;
    }

    /** Adds or replaces a tensor of integers. */
    TensorFile put(String name, long[] shape, long... values) {
        ByteBuffer data = buffer(values.length * Long.BYTES);
        data.asLongBuffer().put(values);
        entries.put(name, new Entry("I64", shape, data));
        return this;
    }

    /** Adds or replaces a tensor of bytes, under any type whose elements have that size. */
    TensorFile put(String name, String type, long[] shape, byte... values) {
        ByteBuffer data = buffer(values.length);
        data.put(values).flip();
        entries.put(name, new Entry(type, shape, data));
        return this;
    }

    TensorFile rename(String name, String other) {
        entries.put(other, Objects.requireNonNull(entries.remove(name), name));
        return this;
    }

    TensorFile remove(String name) {
        entries.remove(name);
        return this;
    }

    void write(Path path) {
        write(path, bytes());
    }

    /** Whatever a file holds that only claims to be one. */
    static void write(Path path, byte[] bytes) {
        try {
            Files.write(path, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    byte[] bytes() {
        List<String> descriptions = new ArrayList<>();
        int end = 0;
        for (Map.Entry<String, Entry> named : entries.entrySet()) {
            Entry entry = named.getValue();
            int begin = end;
            end += entry.data().capacity();
            descriptions.add(describe(named.getKey(), entry.type(), Arrays.toString(entry.shape()), begin, end));
        }
        ByteBuffer data = buffer(end);
        entries.values().forEach(entry -> data.put(entry.data().duplicate()));
        return bytes("{" + String.join(",", descriptions) + "}", data.array());
    }

    /** A file of any header, valid or not. */
    static byte[] bytes(String header, byte... data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return bytes(json.length, json, data);
    }

    /** A file that claims any length of its header. */
    static byte[] bytes(long length, byte[] header, byte... data) {
        return buffer(Long.BYTES + header.length + data.length)
                .putLong(length)
                .put(header)
                .put(data)
                .array();
    }

    /** A tensor's entry in the header. */
    static String describe(String name, String type, String shape, long begin, long end) {
        return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                .formatted(name, type, shape, begin, end);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
