// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The network in the making: nodes with the shapes that their modules say. Belongs to one thread. */
final class Network {

    private final Catalog catalog;
    private final Map<String, Draft> nodes = new LinkedHashMap<>();
    private final Map<String, Shape> samples = new HashMap<>();
    private final Map<String, String> views = new HashMap<>();
    private final Set<String> taken = new HashSet<>();

    /**
     * A node.
     *
     * @param parameters its numbers, by the parameter's name in the module
     */
    record Draft(
            String name,
            String type,
            Map<String, @Nullable Object> arguments,
            List<String> inputs,
            Map<String, Numbers> parameters) {}

    /**
     * Numbers of a parameter or buffer.
     *
     * @param constant the numbers, row-major
     * @param trained whether it is trained; without effect for buffers
     */
    record Numbers(Constant constant, boolean trained) {}

    Network(Catalog catalog) {
        this.catalog = catalog;
    }

    /** Adds an input of the network. */
    void input(String name, Shape sample) {
        taken.add(name);
        samples.put(name, sample);
    }

    /** Adds a node and returns its name. */
    String add(
            String wanted,
            String type,
            Map<String, ? extends @Nullable Object> arguments,
            List<String> inputs,
            Map<String, Numbers> parameters) {
        String name = free(wanted);
        Shape output = declared(type, arguments, inputs).output();
        nodes.put(name, new Draft(name, type, new LinkedHashMap<>(arguments), inputs, parameters));
        samples.put(name, output);
        return name;
    }

    private ModuleDeclaration declared(
            String type, Map<String, ? extends @Nullable Object> arguments, List<String> inputs) {
        try {
            return catalog.module(type, type, arguments)
                    .declare(inputs.stream().map(this::sample).toList());
        } catch (BackpackException e) {
            throw new Refusal("would become %s%s of samples %s, which is not possible: %s"
                    .formatted(
                            type,
                            arguments,
                            inputs.stream().map(this::sample).toList(),
                            e.problems().stream()
                                    .map(problem -> problem.message())
                                    .collect(Collectors.joining(" "))));
        }
    }

    /** Adds a node that only looks at its input in another way, once for equal ones. */
    String view(String wanted, String type, Map<String, ? extends @Nullable Object> arguments, String input) {
        String key = type + arguments + '\n' + input;
        String known = views.get(key);
        if (known == null) {
            known = add(wanted, type, arguments, List.of(input), Map.of());
            views.put(key, known);
        }
        return known;
    }

    /** The shape of a node's samples. */
    Shape sample(String node) {
        Shape sample = samples.get(node);
        if (sample == null) {
            throw new IllegalStateException("no node " + node);
        }
        return sample;
    }

    /** A node; null for an input. */
    @Nullable
    Draft node(String name) {
        return nodes.get(name);
    }

    /** The nodes that lead to one, in the order of computation. */
    List<Draft> leadingTo(String output) {
        Set<String> used = new HashSet<>();
        List<String> open = new ArrayList<>(List.of(output));
        while (!open.isEmpty()) {
            String name = open.remove(open.size() - 1);
            Draft node = nodes.get(name);
            if (node != null && used.add(name)) {
                open.addAll(node.inputs());
            }
        }
        return nodes.values().stream()
                .filter(node -> used.contains(node.name()))
                .toList();
    }

    private String free(String wanted) {
        String clean = Names.clean(wanted);
        String name = clean;
        for (int i = 1; !taken.add(name); i++) {
            name = clean + "_" + i;
        }
        return name;
    }
}
