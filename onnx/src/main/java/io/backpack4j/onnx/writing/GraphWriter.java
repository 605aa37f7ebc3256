// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.writing;

import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.onnx.wire.WireWriter;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An ONNX graph in the making. Belongs to one thread. */
final class GraphWriter {

    private static final int IR_VERSION = 8;
    private static final int OPSET = 17;
    private static final int FLOAT_ATTRIBUTE = 1;
    private static final int INT_ATTRIBUTE = 2;
    private static final int STRING_ATTRIBUTE = 3;
    private static final int INTS_ATTRIBUTE = 7;
    private static final String BATCH = "batch";

    private final WireWriter graph = new WireWriter();
    private final Set<String> names = new HashSet<>();
    private final ElementType real;
    private long bytes;

    /** @param type the type of all real numbers */
    GraphWriter(DType type) {
        this.real = type == DType.FLOAT64 ? ElementType.DOUBLE : ElementType.FLOAT;
    }

    /** About how large the file will be. */
    long bytes() {
        return bytes;
    }

    /** A name that nothing has yet. */
    String name(String wanted) {
        String name = wanted;
        for (int i = 1; !names.add(name); i++) {
            name = wanted + "_" + i;
        }
        return name;
    }

    /** Adds a node with one output and returns the output's name. */
    String add(String name, String operator, List<String> inputs, Map<String, ?> attributes) {
        String output = name(name);
        addTo(output, operator, inputs, attributes);
        return output;
    }

    /** Adds a node whose output has a name. */
    void addTo(String output, String operator, List<String> inputs, Map<String, ?> attributes) {
        WireWriter node = new WireWriter();
        inputs.forEach(input -> node.text(1, input));
        node.text(2, output).text(3, output).text(4, operator);
        attributes.forEach((key, value) -> node.message(5, attribute(key, value)));
        graph.message(1, node);
    }

    private static WireWriter attribute(String name, Object value) {
        WireWriter attribute = new WireWriter().text(1, name);
        if (value instanceof Double number) {
            return attribute.float32(2, number.floatValue()).varint(20, FLOAT_ATTRIBUTE);
        }
        if (value instanceof Long number) {
            return attribute.varint(3, number).varint(20, INT_ATTRIBUTE);
        }
        if (value instanceof String text) {
            return attribute.text(4, text).varint(20, STRING_ATTRIBUTE);
        }
        for (Object number : (List<?>) value) {
            attribute.varint(8, ((Number) number).longValue());
        }
        return attribute.varint(20, INTS_ATTRIBUTE);
    }

    /** Adds whole numbers in a row and returns their name. */
    String integers(String wanted, List<Long> values) {
        ByteBuffer raw = ByteBuffer.allocate(values.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        values.forEach(raw::putLong);
        String name = name(wanted);
        initializer(name, ElementType.INT64, List.of((long) values.size()), raw.array());
        return name;
    }

    /** Adds real numbers and returns their name. */
    String reals(String wanted, List<Long> sizes, double... values) {
        String name = name(wanted);
        initializer(name, real, sizes, raw(values));
        return name;
    }

    /** Adds float32 numbers in a row, whatever the type of the others, and returns their name. */
    String floats(String wanted, double... values) {
        ByteBuffer raw = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            raw.putFloat((float) value);
        }
        String name = name(wanted);
        initializer(name, ElementType.FLOAT, List.of((long) values.length), raw.array());
        return name;
    }

    /** Adds a parameter's numbers under its name. */
    void parameter(String name, Tensor tensor) {
        initializer(name, real, sizes(tensor.shape()), raw(tensor.toDoubleArray()));
    }

    /** Keeps a name for a parameter. */
    void reserve(String name) {
        names.add(name);
    }

    private byte[] raw(double... values) {
        ByteBuffer raw = ByteBuffer.allocate(Math.multiplyExact(values.length, real.bytes()))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            if (real == ElementType.DOUBLE) {
                raw.putDouble(value);
            } else {
                raw.putFloat((float) value);
            }
        }
        return raw.array();
    }

    private void initializer(String name, ElementType type, List<Long> sizes, byte... raw) {
        WireWriter tensor = new WireWriter();
        sizes.forEach(size -> tensor.varint(1, size));
        tensor.varint(2, type.code()).text(8, name).bytes(9, raw);
        graph.message(5, tensor);
        bytes += raw.length;
    }

    static List<Long> sizes(Shape shape) {
        return java.util.stream.LongStream.of(shape.toArray()).boxed().toList();
    }

    /** Declares an input of the graph. */
    void input(String name, boolean integers, Shape sample) {
        names.add(name);
        graph.message(11, value(name, integers ? ElementType.INT64 : real, sample));
    }

    /** Declares the output of the graph. */
    void output(String name, Shape sample) {
        graph.message(12, value(name, real, sample));
    }

    private static WireWriter value(String name, ElementType type, Shape sample) {
        WireWriter shape = new WireWriter();
        shape.message(1, new WireWriter().text(2, BATCH));
        sizes(sample).forEach(size -> shape.message(1, new WireWriter().varint(1, size)));
        WireWriter tensor = new WireWriter().varint(1, type.code()).message(2, shape);
        return new WireWriter().text(1, name).message(2, new WireWriter().message(1, tensor));
    }

    /** The file. */
    byte[] file(String producer) {
        graph.text(2, "backpack4j");
        return new WireWriter()
                .varint(1, IR_VERSION)
                .text(2, producer)
                .message(7, graph)
                .message(8, new WireWriter().text(1, "").varint(2, OPSET))
                .toBytes();
    }
}
