// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.OnnxFile;
import io.backpack4j.onnx.proto.StoredTensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A node of the file while it is converted: its inputs as far as they are known, its attributes, where outputs go. */
final class Call {

    private final OnnxFile.Node node;
    private final Import model;

    Call(OnnxFile.Node node, Import model) {
        this.node = node;
        this.model = model;
    }

    OnnxFile.Node node() {
        return node;
    }

    Import model() {
        return model;
    }

    /** A name for a node of the network without parameters. */
    String name() {
        return Names.ofNode(node);
    }

    /** The version of the standard operators. */
    long opset() {
        return model.opset();
    }

    int inputs() {
        return node.inputs().size();
    }

    boolean has(int index) {
        return index < node.inputs().size() && !node.inputs().get(index).isEmpty();
    }

    Value input(int index) {
        if (!has(index)) {
            throw new Refusal("lacks its input %d".formatted(index));
        }
        return model.value(node.inputs().get(index));
    }

    List<Value> all() {
        return java.util.stream.IntStream.range(0, inputs())
                .mapToObj(this::input)
                .toList();
    }

    Activation activation(int index) {
        if (input(index) instanceof Activation activation) {
            return activation;
        }
        throw new Refusal("takes a constant as input %d, but must take what the network computes".formatted(index));
    }

    Constant constant(int index) {
        if (input(index) instanceof Constant constant) {
            return constant;
        }
        throw new Refusal("takes what the network computes as input %d, '%s', but only a constant is possible there"
                .formatted(index, node.inputs().get(index)));
    }

    Optional<Constant> optional(int index) {
        return has(index) ? Optional.of(constant(index)) : Optional.empty();
    }

    /** The initializer's name of an input, if it is one. */
    Optional<String> origin(int index) {
        return has(index) && input(index) instanceof Constant constant
                ? constant.origin().map(Constant.Origin::name)
                : Optional.empty();
    }

    Optional<OnnxFile.Attribute> attribute(String name) {
        return Optional.ofNullable(node.attributes().get(name));
    }

    long integer(String name, long otherwise) {
        return attribute(name).map(OnnxFile.Attribute::integer).orElse(otherwise);
    }

    /** A number as the shortest decimal that rounds to it: files hold float32. */
    double number(String name, double otherwise) {
        return attribute(name).map(found -> decimal(found.number())).orElse(otherwise);
    }

    /** A float32 as the shortest decimal that rounds to it. */
    static double decimal(double value) {
        return (float) value == value ? Double.parseDouble(Float.toString((float) value)) : value;
    }

    String word(String name, String otherwise) {
        return attribute(name).map(OnnxFile.Attribute::text).orElse(otherwise);
    }

    Optional<List<Long>> integers(String name) {
        return attribute(name).map(OnnxFile.Attribute::integers);
    }

    Optional<StoredTensor> tensor(String name) {
        return attribute(name)
                .map(OnnxFile.Attribute::tensors)
                .filter(tensors -> !tensors.isEmpty())
                .map(tensors -> tensors.get(0));
    }

    /** Axes from an attribute, as older versions have them, or from an input. */
    Optional<List<Long>> axes(int index) {
        Optional<List<Long>> given = integers("axes");
        return given.isPresent() ? given : optional(index).map(Constant::integers);
    }

    void output(Value value) {
        output(0, value);
    }

    void output(int index, Value value) {
        if (index < node.outputs().size() && !node.outputs().get(index).isEmpty()) {
            model.define(node.outputs().get(index), value);
        }
    }

    boolean uses(int output) {
        return output < node.outputs().size()
                && !node.outputs().get(output).isEmpty()
                && model.isUsed(node.outputs().get(output));
    }

    /** Adds a node that treats every number alone, and makes it the output. */
    void elementwise(Activation x, String type, Map<String, ? extends @Nullable Object> arguments) {
        output(elementwise(x, name(), type, arguments));
    }

    /** Adds a node that treats every number alone. */
    Activation elementwise(Activation x, String name, String type, Map<String, ? extends @Nullable Object> arguments) {
        String added = model.network().add(name, type, arguments, List.of(x.node()), Map.of());
        return new Activation(added, x.sample(), x.axes(), x.type());
    }
}
