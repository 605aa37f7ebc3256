// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.internal.calls.CodeLocation;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.CompositionGraph.ParameterUse;
import io.backpack4j.spi.module.CompositionGraph.Part;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** A composition whose parts are put in its place, under its names. */
final class PlacedComposition {

    /** Compositions within compositions, so that one that contains itself ends. */
    private static final int MAX_DEPTH = 64;

    private final GraphBinder binder;
    private final PartMaker maker;
    private final String name;
    private final String described;
    private final Composition composition;
    private final CompositionGraph graph;
    private final ParameterOwners outer;
    private final Map<String, Own> parameters = new LinkedHashMap<>();
    private final Set<String> idle = new HashSet<>();

    /** A parameter of the composition's own, and where its numbers lie. */
    private record Own(ParameterSpec spec, BoundNode.Owner owner) {}

    /**
     * Prepares.
     *
     * @param name the full name of the composition's node
     * @param outer knows where the composition's parameters are
     */
    PlacedComposition(
            GraphBinder binder,
            PartMaker maker,
            String name,
            String described,
            Composition composition,
            CompositionGraph graph,
            ParameterOwners outer) {
        this.binder = binder;
        this.maker = maker;
        this.name = name;
        this.described = described;
        this.composition = composition;
        this.graph = graph;
        this.outer = outer;
    }

    /**
     * Puts all parts in place.
     *
     * @param inputs where the composition's inputs come from
     * @return the number of the node whose output is the composition's
     */
    int place(List<BoundNode.Source> inputs) {
        if (name.chars().filter(c -> c == '.').count() > MAX_DEPTH) {
            throw failure("it is more than %d compositions deep; does it contain itself?".formatted(MAX_DEPTH));
        }
        requireInputs(inputs.size());
        Map<String, Module> modules = modules();
        for (ParameterSpec spec : graph.parameters()) {
            if (parameters.put(spec.name(), new Own(spec, outer.owner(spec))) != null) {
                throw failure("two parameters are named '%s'".formatted(spec.name()));
            }
            idle.add(spec.name());
        }
        Map<String, Integer> numbers = new HashMap<>();
        for (Part part : graph.parts()) {
            List<BoundNode.Source> sources = new ArrayList<>();
            for (String input : part.inputs()) {
                int index = CompositionGraph.inputIndex(input);
                sources.add(
                        index >= 0
                                ? inputs.get(index)
                                : new BoundNode.Source(true, Objects.requireNonNull(numbers.get(input))));
            }
            Module module = Objects.requireNonNull(modules.get(part.name()));
            var node = new Graph.Node(name + "." + part.name(), module, part.inputs(), Frozen.NONE, Map.of());
            OfPart owners = new OfPart(part);
            numbers.put(part.name(), binder.place(node, describedPart(part), sources, owners));
            owners.requireKnown();
        }
        if (!idle.isEmpty()) {
            throw failure("no part uses its parameters %s".formatted(idle));
        }
        return Objects.requireNonNull(numbers.get(graph.output()));
    }

    private void requireInputs(int count) {
        Set<Integer> used = new HashSet<>();
        for (Part part : graph.parts()) {
            for (String input : part.inputs()) {
                int index = CompositionGraph.inputIndex(input);
                if (index >= 0) {
                    used.add(index);
                }
            }
        }
        int needed = used.stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        if (used.size() < needed) {
            throw failure("of its %d inputs, its parts take %s only".formatted(needed, used));
        }
        if (count != needed) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s%s: takes %d input(s), but was given %d."
                            .formatted(
                                    Character.toUpperCase(described.charAt(0)), described.substring(1), needed, count));
        }
    }

    /** The parts' modules; what is missing or wrong is reported for all of them together. */
    private Map<String, Module> modules() {
        Problems problems = new Problems();
        Map<String, Module> modules = new HashMap<>();
        for (Part part : graph.parts()) {
            problems.collect(
                    () -> modules.put(part.name(), maker.module(describedPart(part), part.type(), part.arguments())));
        }
        problems.throwIfAny();
        return modules;
    }

    private String describedPart(Part part) {
        return "%s, part '%s' (%s)".formatted(described, part.name(), part.type());
    }

    private BackpackException failure(String problem) {
        return new BackpackException(
                CommonProblems.INVALID_COMPOSITION,
                "%s%s: its graph does not fit together: %s. This is an error of the plugin that provides it, %s."
                        .formatted(
                                Character.toUpperCase(described.charAt(0)),
                                described.substring(1),
                                problem,
                                CodeLocation.of(composition.getClass())));
    }

    /** The parameters of a part are the composition's, or rows of them. */
    private final class OfPart implements ParameterOwners {

        private final Part part;
        private final Set<String> known = new HashSet<>();

        OfPart(Part part) {
            this.part = part;
        }

        @Override
        public BoundNode.Owner owner(ParameterSpec inner) {
            known.add(inner.name());
            ParameterUse use = part.uses().get(inner.name());
            if (use == null) {
                use = new ParameterUse(part.name() + "." + inner.name(), Optional.empty());
                if (!parameters.containsKey(use.parameter())) {
                    ParameterSpec spec = inner.named(use.parameter());
                    parameters.put(use.parameter(), new Own(spec, outer.owner(spec)));
                }
            }
            Own own = parameters.get(use.parameter());
            if (own == null) {
                throw failure("part '%s' uses the parameter '%s', which is none of %s"
                        .formatted(part.name(), use.parameter(), parameters.keySet()));
            }
            idle.remove(use.parameter());
            requireFit(inner, use, own.spec());
            return use.rows().isPresent() ? own.owner().rows(use.rows().get()) : own.owner();
        }

        private void requireFit(ParameterSpec inner, ParameterUse use, ParameterSpec own) {
            Shape shape = own.shape();
            boolean inside = use.rows().isEmpty()
                    || (shape.rank() > 0 && use.rows().get().to() <= shape.size(0));
            Shape given = inside && use.rows().isPresent() ? use.rows().get().of(shape) : shape;
            if (!inside || !given.equals(inner.shape()) || inner.trainable() != own.trainable()) {
                throw failure("%s '%s' of part '%s' has shape %s, but is %s of %s '%s' of shape %s"
                        .formatted(
                                kind(inner),
                                inner.name(),
                                part.name(),
                                inner.shape(),
                                use.rows()
                                        .map(rows -> "rows [%d, %d)".formatted(rows.from(), rows.to()))
                                        .orElse("all"),
                                kind(own),
                                use.parameter(),
                                shape));
            }
        }

        private static String kind(ParameterSpec spec) {
            return spec.trainable() ? "parameter" : "buffer";
        }

        /** Requires that the part's module has all parameters that are said to be the composition's. */
        void requireKnown() {
            for (String used : part.uses().keySet()) {
                if (!known.contains(used)) {
                    throw failure("part '%s' (%s) has no parameter '%s'; its parameters: %s"
                            .formatted(part.name(), part.type(), used, known));
                }
            }
        }
    }
}
