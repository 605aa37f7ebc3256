// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.onnx.OnnxProblems;
import io.backpack4j.onnx.proto.OnnxFile;
import io.backpack4j.onnx.proto.StoredTensor;
import io.backpack4j.onnx.wire.WireFormatException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/** Turns one file's graph into a model. Belongs to one thread. */
public final class Import {

    private final String file;
    private final OnnxFile source;
    private final Problems problems = new Problems();
    private final List<String> notices = new ArrayList<>();
    private final Map<String, Value> values = new HashMap<>();
    private final Map<String, List<OnnxFile.Node>> consumers = new HashMap<>();
    private final Map<String, OnnxFile.Node> producers = new HashMap<>();
    private final Set<String> outputs = new HashSet<>();
    private final Set<OnnxFile.Node> absorbed = new HashSet<>();
    private final Map<OnnxFile.Node, String> aliases = new HashMap<>();
    private final Map<String, Shape> inputs = new LinkedHashMap<>();
    private final Network network;
    private final Arrangement arrangement;
    private OptionalLong declaredBatch = OptionalLong.empty();

    private Import(String file, OnnxFile source, Catalog catalog) {
        this.file = file;
        this.source = source;
        this.network = new Network(catalog);
        this.arrangement = new Arrangement(network, isForOne(source));
    }

    /**
     * Makes a model.
     *
     * @param file for messages
     * @throws io.backpack4j.spi.BackpackException with every node that has no counterpart
     */
    public static ForeignModel run(String file, OnnxFile source, Catalog catalog, LossDescription loss) {
        return new Import(file, source, catalog).run(loss);
    }

    private ForeignModel run(LossDescription loss) {
        if (source.functions() > 0) {
            report(
                    "It defines %d operators of its own (functions), which are not supported. Inline them before, in Python: onnx.inliner.inline_local_functions(model)."
                            .formatted(source.functions()));
        }
        if (source.graph().sparse() > 0) {
            report("It has %d sparse initializers, which are not supported."
                    .formatted(source.graph().sparse()));
        }
        index();
        source.graph().initializers().forEach(tensor -> values.put(tensor.name(), constant(tensor)));
        source.graph().inputs().forEach(this::input);
        String wanted = output();
        problems.throwIfAny();
        Set<OnnxFile.Node> needed = leadingTo(wanted);
        List<OnnxFile.Node> nodes =
                source.graph().nodes().stream().filter(needed::contains).toList();
        // Patterns look ahead, so constants come first.
        nodes.stream().filter(node -> node.operator().equals("Constant")).forEach(this::convert);
        for (OnnxFile.Node node : nodes) {
            if (aliases.containsKey(node)) {
                values.put(node.outputs().get(0), value(Objects.requireNonNull(aliases.get(node))));
            } else if (!absorbed.contains(node) && !node.operator().equals("Constant")) {
                convert(node);
            }
        }
        return new Finish(file, this, loss).model(wanted);
    }

    /** Whether all inputs have a batch of one. */
    private static boolean isForOne(OnnxFile source) {
        Set<String> initializers =
                source.graph().initializers().stream().map(StoredTensor::name).collect(Collectors.toSet());
        return source.graph().inputs().stream()
                .filter(input -> !initializers.contains(input.name()))
                .allMatch(input -> input.sizes() != null
                        && !input.sizes().isEmpty()
                        && input.sizes().get(0) == 1);
    }

    private Constant constant(StoredTensor tensor) {
        return Constant.of(tensor, tensor.name(), true);
    }

    private void index() {
        for (OnnxFile.Node node : source.graph().nodes()) {
            node.inputs()
                    .forEach(name -> consumers
                            .computeIfAbsent(name, key -> new ArrayList<>())
                            .add(node));
            node.outputs().forEach(name -> producers.put(name, node));
        }
        source.graph().outputs().forEach(output -> outputs.add(output.name()));
    }

    private void input(OnnxFile.Value input) {
        if (values.containsKey(input.name())) {
            return; // older files list initializers among the inputs
        }
        List<Long> sizes = input.sizes();
        if (sizes == null || sizes.isEmpty()) {
            report("Input '%s' has no axes, but axis 0 of an input is the batch.".formatted(input.name()));
            return;
        }
        if (!input.type().isReadable()) {
            report("Input '%s' is of %s, but must be of FLOAT, DOUBLE or whole numbers. Convert the model to float32."
                    .formatted(input.name(), input.type()));
            return;
        }
        for (int axis = 1; axis < sizes.size(); axis++) {
            if (sizes.get(axis) < 1) {
                report(
                        "Input '%s' has no fixed size along axis %d%s, but only axis 0, the batch, may be open. Export the model with fixed sizes."
                                .formatted(
                                        input.name(),
                                        axis,
                                        input.names().get(axis).isEmpty()
                                                ? ""
                                                : " ('%s')"
                                                        .formatted(input.names().get(axis))));
                return;
            }
        }
        if (sizes.get(0) > 0) {
            if (declaredBatch.isPresent() && declaredBatch.getAsLong() != sizes.get(0)) {
                report("Inputs have %d and %d as the sizes of axis 0, which must be the batch of all."
                        .formatted(declaredBatch.getAsLong(), sizes.get(0)));
                return;
            }
            declaredBatch = OptionalLong.of(sizes.get(0));
        }
        String name = Names.clean(input.name());
        Shape sample = Arrangement.shape(sizes.subList(1, sizes.size()));
        network.input(name, sample);
        inputs.put(name, sample);
        values.put(input.name(), arrangement.plain(name, input.type()));
    }

    /** The output that the model gets: the only one of real numbers. */
    private String output() {
        List<OnnxFile.Value> all = source.graph().outputs();
        List<OnnxFile.Value> real =
                all.stream().filter(value -> value.type().isFloating()).toList();
        if (real.size() == 1 || all.size() == 1) {
            OnnxFile.Value chosen = real.size() == 1 ? real.get(0) : all.get(0);
            if (all.size() > 1) {
                notices.add("Of the outputs %s, '%s' is taken, the only one of real numbers."
                        .formatted(all.stream().map(OnnxFile.Value::name).toList(), chosen.name()));
            }
            return chosen.name();
        }
        report("It has the outputs %s, but one is needed. Export the model with one output."
                .formatted(all.stream().map(OnnxFile.Value::name).toList()));
        return "";
    }

    private Set<OnnxFile.Node> leadingTo(String output) {
        Set<OnnxFile.Node> needed = new HashSet<>();
        List<String> open = new ArrayList<>(List.of(output));
        while (!open.isEmpty()) {
            OnnxFile.Node node = producers.get(open.remove(open.size() - 1));
            if (node != null && needed.add(node)) {
                open.addAll(node.inputs());
            }
        }
        return needed;
    }

    private void convert(OnnxFile.Node node) {
        if (node.inputs().stream().anyMatch(name -> values.get(name) instanceof Value.Failed)) {
            node.outputs().forEach(name -> values.put(name, new Value.Failed()));
            return;
        }
        try {
            Operators.convert(new Call(node, this));
        } catch (Refusal | WireFormatException e) {
            fail(node, String.valueOf(e.getMessage()));
        } catch (ArithmeticException e) {
            fail(node, "has sizes beyond what can be counted");
        } catch (IndexOutOfBoundsException | NoSuchElementException | IllegalArgumentException e) {
            // A valid file has as many inputs, outputs and numbers as its operators need; converters rely on it.
            fail(node, "has too few inputs, outputs or numbers, or such that do not fit. The file is damaged");
        }
    }

    private void fail(OnnxFile.Node node, String what) {
        report("Node '%s' (%s) %s.".formatted(node.name(), node.operator(), what));
        node.outputs().forEach(name -> values.put(name, new Value.Failed()));
    }

    private void report(String what) {
        problems.add(OnnxProblems.UNSUPPORTED_ONNX, "File '%s': %s".formatted(file, what));
    }

    Problems problems() {
        return problems;
    }

    List<String> notices() {
        return notices;
    }

    OnnxFile source() {
        return source;
    }

    Network network() {
        return network;
    }

    Arrangement arrangement() {
        return arrangement;
    }

    Reshaping reshaping() {
        return new Reshaping(network, arrangement, declaredBatch);
    }

    OptionalLong declaredBatch() {
        return declaredBatch;
    }

    Map<String, Shape> inputs() {
        return inputs;
    }

    long opset() {
        return source.opsets().getOrDefault("", 0L);
    }

    Value value(String name) {
        Value value = values.get(name);
        if (value == null) {
            throw new Refusal("takes '%s', which nothing before it makes".formatted(name));
        }
        return value;
    }

    /** A value if it is known yet. */
    Optional<Value> known(String name) {
        return Optional.ofNullable(values.get(name));
    }

    void define(String name, Value value) {
        values.put(name, value);
    }

    boolean isUsed(String name) {
        return outputs.contains(name) || consumers.containsKey(name);
    }

    /** The only node that takes a value, if there is one and the value is no output. */
    Optional<OnnxFile.Node> onlyConsumer(String name) {
        List<OnnxFile.Node> all = consumers.getOrDefault(name, List.of());
        return all.size() == 1 && !outputs.contains(name) ? Optional.of(all.get(0)) : Optional.empty();
    }

    List<OnnxFile.Node> consumers(String name) {
        return consumers.getOrDefault(name, List.of());
    }

    Optional<OnnxFile.Node> producer(String name) {
        return Optional.ofNullable(producers.get(name));
    }

    /** Takes a node as part of one before it, so that its output is a value that is known when its turn comes. */
    void alias(OnnxFile.Node node, String value) {
        aliases.put(node, value);
    }

    /** Takes a node of the file as part of another that was converted. */
    void absorb(OnnxFile.Node node) {
        absorbed.add(node);
    }
}
