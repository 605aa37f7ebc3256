// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.writing;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.onnx.OnnxProblems;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Writes a model as ONNX. */
public final class Export {

    /** Protocol buffers end at 2 GiB. */
    private static final long MOST_BYTES = Integer.MAX_VALUE - (1 << 20);

    private final Model model;
    private final GraphWriter graph;
    private final Map<String, Shape> samples = new HashMap<>();
    private final Problems problems = new Problems();

    private Export(Model model) {
        this.model = model;
        this.graph = new GraphWriter(model.dtype());
    }

    /**
     * Writes a model, as a whole or not at all. Layers are written as for predictions: no dropout, batch norms with
     * their running statistics.
     *
     * @throws BackpackException with every node that has no counterpart, or if the file cannot be written
     */
    public static void write(Path file, Model model) {
        byte[] bytes = new Export(model).bytes();
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling(".backpack4j-" + UUID.randomUUID() + ".tmp");
        try {
            Files.write(temporary, bytes);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException other) {
                e.addSuppressed(other);
            }
            throw new BackpackException(
                    FormatProblems.UNWRITABLE_FILE, "File '%s' cannot be written: %s.".formatted(file, e), e);
        }
    }

    private byte[] bytes() {
        long numbers = model.parameters().names().stream()
                .mapToLong(name -> model.parameters().spec(name).shape().elements()
                        * model.dtype().bytes())
                .sum();
        if (numbers > MOST_BYTES) {
            throw new BackpackException(
                    OnnxProblems.NOT_WRITABLE_AS_ONNX,
                    "The model has %d bytes of numbers, but an ONNX file holds at most 2 GiB. Files with external data are not written."
                            .formatted(numbers));
        }
        Graph network = model.graph();
        for (int i = 0; i < network.inputs().size(); i++) {
            String input = network.inputs().get(i);
            samples.put(input, model.inputShapes().get(i));
            graph.input(
                    input, takesIntegers(network, input), model.inputShapes().get(i));
        }
        network.nodes().forEach(node -> graph.reserve(node.name()));
        model.parameters().names().forEach(graph::reserve);
        for (Graph.Node node : network.nodes()) {
            if (!Writers.isPossible(node.module().type())) {
                problems.add(
                        OnnxProblems.NOT_WRITABLE_AS_ONNX,
                        "Node '%s' (%s) has no counterpart among ONNX's operators of version 17 here. Possible: %s."
                                .formatted(node.name(), node.module().type(), String.join(", ", Writers.possible())));
            }
        }
        problems.throwIfAny();
        network.nodes().forEach(this::node);
        problems.throwIfAny();
        for (String name : model.parameters().names()) {
            if (!model.parameters().spec(name).isInteger()) {
                graph.parameter(name, model.parameters().get(name));
            }
        }
        graph.output(network.output(), model.outputShape());
        return graph.file("backpack4j");
    }

    private static boolean takesIntegers(Graph network, String input) {
        for (Graph.Node node : network.nodes()) {
            for (int i = 0; i < node.inputs().size(); i++) {
                if (node.inputs().get(i).equals(input)
                        && node.module().takesIntegers(i, node.inputs().size())) {
                    return true;
                }
            }
        }
        return false;
    }

    private void node(Graph.Node node) {
        List<Shape> inputs = node.inputs().stream().map(samples::get).toList();
        var declaration = node.module().declare(inputs);
        samples.put(node.name(), declaration.output());
        Map<String, String> parameters = new LinkedHashMap<>();
        for (ParameterSpec spec : declaration.parameters()) {
            String own = node.name() + "." + spec.name();
            parameters.put(spec.name(), node.ties().getOrDefault(spec.name(), own));
        }
        String type = node.module().type();
        try {
            Arguments arguments = new Arguments(
                    "node '%s' (%s)".formatted(node.name(), type), node.module().arguments());
            Writers.write(new NodeWriter(
                    graph, node.name(), type, arguments, node.inputs(), inputs, declaration.output(), parameters));
        } catch (NodeWriter.NotWritable e) {
            problems.add(
                    OnnxProblems.NOT_WRITABLE_AS_ONNX,
                    "Node '%s' (%s) %s.".formatted(node.name(), type, e.getMessage()));
        }
    }
}
