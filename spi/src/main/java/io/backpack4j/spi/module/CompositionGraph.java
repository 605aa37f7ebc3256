// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Composition} is made of.
 *
 * <pre>{@code
 * CompositionGraph.builder()
 *         .parameter(ParameterSpec.parameter("in_proj_weight", Shape.of(2 * e, e), new Initializer.Uniform(bound)))
 *         .part("q", "Linear", arguments, CompositionGraph.input(0))
 *         .use("weight", "in_proj_weight", new RowBlock(0, e))
 *         .part("k", "Linear", arguments, CompositionGraph.input(0))
 *         .use("weight", "in_proj_weight", new RowBlock(e, 2 * e))
 *         .part("product", "Mul", Map.of(), "q", "k")
 *         .part("out_proj", "Linear", arguments, "product")
 *         .build();
 * }</pre>
 *
 * @param parameters parameters and buffers that the composition has by a name, a shape or a first value of its own, in
 *     their order. Those that no part is told to use are its parts' own, named {@code <part>.<parameter>}, and follow
 *     in the order of the parts. Sizes of Kronecker factors follow from the uses
 * @param parts at least one, each after those that feed it; each leads to the output
 * @param output the name of the part whose output is the composition's
 */
public record CompositionGraph(List<ParameterSpec> parameters, List<Part> parts, String output) {

    private static final String INPUT = "input:[0-9]{1,4}";

    public CompositionGraph {
        parameters = List.copyOf(parameters);
        parts = List.copyOf(parts);
        check(parts, output);
    }

    /**
     * A module in the graph.
     *
     * @param name unique within the graph; letters, digits and underscores, as in PyTorch
     * @param type the module's type, as in a model file
     * @param arguments the module's arguments, as in a model file
     * @param inputs names of parts before it and of the composition's inputs, see {@link #input}
     * @param uses the composition's parameters that it uses, by its own names
     */
    public record Part(
            String name,
            String type,
            Map<String, @Nullable Object> arguments,
            List<String> inputs,
            Map<String, ParameterUse> uses) {
        public Part {
            arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
            inputs = List.copyOf(inputs);
            uses = Collections.unmodifiableMap(new LinkedHashMap<>(uses));
        }
    }

    /**
     * A parameter of the composition, or rows of one, as a part's parameter. Several parts may use one: it is tied
     * where they use the same rows.
     *
     * @param parameter the parameter's name within the composition; that of a part before it, {@code
     *     <part>.<parameter>}, is possible
     * @param rows which rows; all if empty
     */
    public record ParameterUse(String parameter, Optional<RowBlock> rows) {}

    /** The name of the composition's own input of that number. */
    public static String input(int index) {
        return "input:" + index;
    }

    /** The number of the composition's input of that name, −1 if it is no input's. */
    public static int inputIndex(String name) {
        return name.matches(INPUT) ? Integer.parseInt(name.substring("input:".length())) : -1;
    }

    /** A graph without parameters of its own and without parts. */
    public static Builder builder() {
        return new Builder();
    }

    private static void check(List<Part> parts, String output) {
        Problems problems = new Problems();
        Map<String, Part> known = new LinkedHashMap<>();
        for (Part part : parts) {
            for (String input : part.inputs()) {
                if (!input.matches(INPUT) && !known.containsKey(input)) {
                    invalid(problems, "part '%s' takes '%s', which is no part before it".formatted(part.name(), input));
                }
            }
            if (!part.name().matches("[A-Za-z0-9_]+")) {
                invalid(
                        problems,
                        "'%s' is no name for a part: use letters, digits and underscores".formatted(part.name()));
            }
            if (known.put(part.name(), part) != null) {
                invalid(problems, "two parts are named '%s'".formatted(part.name()));
            }
        }
        if (!known.containsKey(output)) {
            invalid(problems, "the output '%s' is no part".formatted(output));
        }
        problems.throwIfAny();
        Set<String> used = new HashSet<>();
        Deque<String> open = new ArrayDeque<>(List.of(output));
        while (!open.isEmpty()) {
            Part part = known.get(open.pop());
            if (part != null && used.add(part.name())) {
                open.addAll(part.inputs());
            }
        }
        String idle = known.keySet().stream()
                .filter(name -> !used.contains(name))
                .map(name -> "'" + name + "'")
                .collect(Collectors.joining(", "));
        if (!idle.isEmpty()) {
            invalid(problems, "what does not lead to the output '%s': %s".formatted(output, idle));
        }
        problems.throwIfAny();
    }

    private static void invalid(Problems problems, String what) {
        problems.add(
                CommonProblems.INVALID_COMPOSITION,
                "The graph of a composition does not fit together: %s.".formatted(what));
    }

    /** Collects parameters and parts. Belongs to one thread. */
    public static final class Builder {

        private final List<ParameterSpec> parameters = new ArrayList<>();
        private final List<Part> parts = new ArrayList<>();

        private Builder() {}

        /** Adds a parameter or buffer of the composition's own. */
        public Builder parameter(ParameterSpec spec) {
            parameters.add(spec);
            return this;
        }

        /** Adds a part. */
        public Builder part(
                String name, String type, Map<String, ? extends @Nullable Object> arguments, String... inputs) {
            parts.add(new Part(name, type, new LinkedHashMap<>(arguments), List.of(inputs), Map.of()));
            return this;
        }

        /** Says that the last part's parameter {@code own} is the composition's {@code parameter}. */
        public Builder use(String own, String parameter) {
            return use(own, new ParameterUse(parameter, Optional.empty()));
        }

        /** Says that the last part's parameter {@code own} is these rows of the composition's {@code parameter}. */
        public Builder use(String own, String parameter, RowBlock rows) {
            return use(own, new ParameterUse(parameter, Optional.of(rows)));
        }

        private Builder use(String own, ParameterUse use) {
            if (parts.isEmpty()) {
                throw new BackpackException(
                        CommonProblems.INVALID_COMPOSITION, "A parameter is used by a part: add one before.");
            }
            Part last = parts.remove(parts.size() - 1);
            Map<String, ParameterUse> uses = new LinkedHashMap<>(last.uses());
            uses.put(own, use);
            parts.add(new Part(last.name(), last.type(), last.arguments(), last.inputs(), uses));
            return this;
        }

        /** The graph whose output is the last part's. */
        public CompositionGraph build() {
            if (parts.isEmpty()) {
                throw new BackpackException(
                        CommonProblems.INVALID_COMPOSITION, "A composition needs at least one part.");
            }
            return new CompositionGraph(
                    parameters, parts, parts.get(parts.size() - 1).name());
        }
    }
}
