// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.proto;

import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.onnx.wire.WireFormatException;
import io.backpack4j.onnx.wire.WireReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads a model message. Messages are nested as deep as this class calls itself: never by what a file says. */
public final class FileReader {

    /** What the kinds of messages that hold most of a file would need a machine of its own for. */
    private static final int MOST_NODES = 1 << 20;

    private final ExternalFiles files;

    private FileReader(ExternalFiles files) {
        this.files = files;
    }

    /**
     * Reads a model.
     *
     * @param folder where files with numbers may be; none if there are none
     * @throws WireFormatException if it is not one
     */
    public static OnnxFile read(Bytes bytes, Optional<Path> folder) {
        return new FileReader(new ExternalFiles(folder)).model(new WireReader(bytes));
    }

    private OnnxFile model(WireReader reader) {
        String producer = "";
        Map<String, Long> opsets = new HashMap<>();
        OnnxFile.@Nullable Graph graph = null;
        int functions = 0;
        while (reader.next()) {
            switch (reader.field()) {
                case 2 -> producer = reader.text();
                case 7 -> graph = graph(new WireReader(reader.bytes()));
                case 8 -> opset(new WireReader(reader.bytes()), opsets);
                case 25 -> {
                    functions++;
                    reader.skip();
                }
                default -> reader.skip();
            }
        }
        if (graph == null || opsets.isEmpty()) {
            throw new WireFormatException("it has no graph or no version of operators");
        }
        return new OnnxFile(producer, Map.copyOf(opsets), graph, functions);
    }

    private static void opset(WireReader reader, Map<String, Long> opsets) {
        String domain = "";
        long version = 0;
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> domain = reader.text();
                case 2 -> version = reader.varint();
                default -> reader.skip();
            }
        }
        opsets.put(domain.equals("ai.onnx") ? "" : domain, version);
    }

    private OnnxFile.Graph graph(WireReader reader) {
        List<OnnxFile.Node> nodes = new ArrayList<>();
        List<StoredTensor> initializers = new ArrayList<>();
        List<OnnxFile.Value> inputs = new ArrayList<>();
        List<OnnxFile.Value> outputs = new ArrayList<>();
        int sparse = 0;
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> nodes.add(node(new WireReader(reader.bytes())));
                case 5 -> initializers.add(new TensorReader(files).read(reader.bytes()));
                case 11 -> inputs.add(value(new WireReader(reader.bytes())));
                case 12 -> outputs.add(value(new WireReader(reader.bytes())));
                case 15 -> {
                    sparse++;
                    reader.skip();
                }
                default -> reader.skip();
            }
            if (nodes.size() > MOST_NODES) {
                throw new WireFormatException("it has more than %d nodes".formatted(MOST_NODES));
            }
        }
        return new OnnxFile.Graph(nodes, initializers, inputs, outputs, sparse);
    }

    private OnnxFile.Node node(WireReader reader) {
        String name = "";
        String operator = "";
        String domain = "";
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, OnnxFile.Attribute> attributes = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> inputs.add(reader.text());
                case 2 -> outputs.add(reader.text());
                case 3 -> name = reader.text();
                case 4 -> operator = reader.text();
                case 5 -> {
                    OnnxFile.Attribute attribute = attribute(new WireReader(reader.bytes()));
                    attributes.put(attribute.name(), attribute);
                }
                case 7 -> domain = reader.text();
                case 9 -> entry(reader.bytes(), metadata);
                default -> reader.skip();
            }
        }
        String standard = domain.equals("ai.onnx") ? "" : domain;
        return new OnnxFile.Node(name, operator, standard, inputs, outputs, attributes, metadata);
    }

    private OnnxFile.Attribute attribute(WireReader reader) {
        String name = "";
        float number = 0;
        long integer = 0;
        String text = "";
        List<StoredTensor> tensors = new ArrayList<>();
        List<Float> numbers = new ArrayList<>();
        List<Long> integers = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        boolean isGraph = false;
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> name = reader.text();
                case 2 -> number = Float.intBitsToFloat(reader.fixed32());
                case 3 -> integer = reader.varint();
                case 4 -> text = reader.text();
                case 5 -> tensors.add(new TensorReader(files).read(reader.bytes()));
                case 6, 11 -> {
                    isGraph = true;
                    reader.skip();
                }
                case 7 -> floats(reader, numbers);
                case 8 -> integers(reader, integers);
                case 9 -> texts.add(reader.text());
                default -> reader.skip();
            }
        }
        return new OnnxFile.Attribute(name, number, integer, text, tensors, numbers, integers, texts, isGraph);
    }

    private static void floats(WireReader reader, List<Float> numbers) {
        if (!reader.isBytes()) {
            numbers.add(Float.intBitsToFloat(reader.fixed32()));
            return;
        }
        WireReader packed = new WireReader(reader.bytes());
        while (!packed.isAtEnd()) {
            numbers.add(Float.intBitsToFloat(packed.readFixed32()));
        }
    }

    /** Whole numbers, packed or one by one. */
    static void integers(WireReader reader, List<Long> integers) {
        if (!reader.isBytes()) {
            integers.add(reader.varint());
            return;
        }
        WireReader packed = new WireReader(reader.bytes());
        while (!packed.isAtEnd()) {
            integers.add(packed.readVarint());
        }
    }

    /** A key with a value. */
    static void entry(Bytes message, Map<String, String> entries) {
        WireReader reader = new WireReader(message);
        String key = "";
        String value = "";
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> key = reader.text();
                case 2 -> value = reader.text();
                default -> reader.skip();
            }
        }
        entries.put(key, value);
    }

    private static OnnxFile.Value value(WireReader reader) {
        String name = "";
        ElementType type = ElementType.UNDEFINED;
        @Nullable List<Long> sizes = null;
        List<String> names = new ArrayList<>();
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> name = reader.text();
                case 2 -> {
                    WireReader inner = new WireReader(reader.bytes());
                    while (inner.next()) {
                        if (inner.field() != 1) {
                            inner.skip();
                            continue;
                        }
                        WireReader tensor = new WireReader(inner.bytes());
                        while (tensor.next()) {
                            switch (tensor.field()) {
                                case 1 -> type = ElementType.of(tensor.varint());
                                case 2 -> {
                                    sizes = new ArrayList<>();
                                    names.clear();
                                    shape(new WireReader(tensor.bytes()), sizes, names);
                                }
                                default -> tensor.skip();
                            }
                        }
                    }
                }
                default -> reader.skip();
            }
        }
        return new OnnxFile.Value(name, type, sizes, names);
    }

    private static void shape(WireReader reader, List<Long> sizes, List<String> names) {
        while (reader.next()) {
            if (reader.field() != 1) {
                reader.skip();
                continue;
            }
            long size = -1;
            String name = "";
            WireReader axis = new WireReader(reader.bytes());
            while (axis.next()) {
                switch (axis.field()) {
                    case 1 -> size = axis.varint();
                    case 2 -> name = axis.text();
                    default -> axis.skip();
                }
            }
            sizes.add(size);
            names.add(name);
        }
    }
}
