// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.onnx.wire.WireWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A small ONNX file, put together in Java. */
final class TestGraph {

    static final int FLOAT = 1;
    static final int INT64 = 7;
    static final int FLOAT16 = 10;

    private final WireWriter graph = new WireWriter();
    private int nodes;

    /** @param sizes with 0 for an axis that has a name instead */
    TestGraph input(String name, int type, long... sizes) {
        graph.message(11, value(name, type, sizes));
        return this;
    }

    TestGraph output(String name, int type) {
        graph.message(12, value(name, type));
        return this;
    }

    private static WireWriter value(String name, int type, long... sizes) {
        WireWriter shape = new WireWriter();
        for (long size : sizes) {
            shape.message(1, size == 0 ? new WireWriter().text(2, "n") : new WireWriter().varint(1, size));
        }
        WireWriter tensor = new WireWriter().varint(1, type).message(2, shape);
        return new WireWriter().text(1, name).message(2, new WireWriter().message(1, tensor));
    }

    TestGraph floats(String name, List<Long> sizes, float... values) {
        ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            raw.putFloat(value);
        }
        return raw(name, FLOAT, sizes, raw.array());
    }

    TestGraph integers(String name, long... values) {
        ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            raw.putLong(value);
        }
        return raw(name, INT64, List.of((long) values.length), raw.array());
    }

    TestGraph raw(String name, int type, List<Long> sizes, byte... raw) {
        WireWriter tensor = new WireWriter();
        sizes.forEach(size -> tensor.varint(1, size));
        graph.message(5, tensor.varint(2, type).text(8, name).bytes(9, raw));
        return this;
    }

    /** A tensor in a file beside the model. */
    TestGraph external(String name, List<Long> sizes, String location, long offset) {
        WireWriter tensor = new WireWriter();
        sizes.forEach(size -> tensor.varint(1, size));
        tensor.varint(2, FLOAT).text(8, name).varint(14, 1);
        tensor.message(13, new WireWriter().text(1, "location").text(2, location));
        tensor.message(13, new WireWriter().text(1, "offset").text(2, String.valueOf(offset)));
        graph.message(5, tensor);
        return this;
    }

    TestGraph node(String operator, List<String> inputs, String output, Map<String, Long> attributes) {
        WireWriter node = new WireWriter();
        inputs.forEach(input -> node.text(1, input));
        node.text(2, output).text(3, "n" + nodes++).text(4, operator);
        attributes.forEach((key, value) ->
                node.message(5, new WireWriter().text(1, key).varint(3, value).varint(20, 2)));
        graph.message(1, node);
        return this;
    }

    TestGraph node(String operator, List<String> inputs, String output) {
        return node(operator, inputs, output, Map.of());
    }

    byte[] bytes() {
        return new WireWriter()
                .varint(1, 8)
                .message(7, graph)
                .message(8, new WireWriter().text(1, "").varint(2, 17))
                .toBytes();
    }

    ForeignModel read(BackPack backpack) {
        return read(backpack, LossDescription.NONE);
    }

    ForeignModel read(BackPack backpack, LossDescription loss) {
        return OnnxFormat.read("test.onnx", Bytes.of(bytes()), Optional.empty(), backpack.catalog(), loss);
    }
}
