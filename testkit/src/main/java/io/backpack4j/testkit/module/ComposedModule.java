// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.CompositionGraph.ParameterUse;
import io.backpack4j.spi.module.CompositionGraph.Part;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ModuleProvider;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * A composition as one module, made of the parts that plugins on the class path provide: what the kernel gets by
 * putting the parts in its place, a contract gets by walking through them. It has neither Kronecker factors nor
 * curvature nor positions of its own; its parts have.
 */
final class ComposedModule implements Module {

    private final Composition composition;

    private ComposedModule(Composition composition) {
        this.composition = composition;
    }

    /** The module itself, or a composition as one. */
    static Module whole(Module module) {
        return module instanceof Composition composition ? new ComposedModule(composition) : module;
    }

    /**
     * A part whose shapes are known.
     *
     * @param inputs numbers of parts; below zero, those of the composition's inputs less one, so that −1 is the first
     * @param uses where its parameters are
     */
    record Bound(
            String name,
            Module module,
            ModuleDeclaration declaration,
            List<Integer> inputs,
            Map<String, ParameterUse> uses) {}

    /** All parts, and the composition's own parameters. */
    record Layout(List<Bound> parts, Map<String, ParameterSpec> parameters) {

        ModuleDeclaration declaration() {
            ModuleDeclaration declaration = ModuleDeclaration.output(
                            parts.get(parts.size() - 1).declaration().output())
                    .retainInputs()
                    .retainOutput();
            for (ParameterSpec spec : parameters.values()) {
                declaration = declaration.parameter(new ParameterSpec(
                        spec.name(),
                        spec.shape(),
                        spec.trainable(),
                        spec.initializer(),
                        spec.isInteger(),
                        Optional.empty()));
            }
            boolean couples = parts.stream().anyMatch(part -> part.declaration().couplesSamples());
            return couples ? declaration.coupleSamples() : declaration;
        }
    }

    @Override
    public String type() {
        return composition.type();
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return layout(inputs).declaration();
    }

    private Layout layout(List<Shape> inputs) {
        CompositionGraph graph = composition.compose(inputs);
        Map<String, ParameterSpec> parameters = new LinkedHashMap<>();
        graph.parameters().forEach(spec -> parameters.put(spec.name(), spec));
        List<Bound> parts = new ArrayList<>();
        Map<String, Integer> numbers = new HashMap<>();
        for (Part part : inOrder(graph)) {
            List<Integer> sources = new ArrayList<>();
            List<Shape> shapes = new ArrayList<>();
            for (String input : part.inputs()) {
                int index = CompositionGraph.inputIndex(input);
                if (index >= inputs.size()) {
                    throw new BackpackException(
                            CommonProblems.INPUT_COUNT_MISMATCH, "%s has no input %d.".formatted(type(), index));
                }
                int source = index < 0 ? Objects.requireNonNull(numbers.get(input)) : -index - 1;
                sources.add(source);
                shapes.add(index < 0 ? parts.get(source).declaration().output() : inputs.get(index));
            }
            Module module = whole(module(part));
            ModuleDeclaration declaration = module.declare(shapes);
            Map<String, ParameterUse> uses = new LinkedHashMap<>();
            for (ParameterSpec spec : declaration.parameters()) {
                ParameterUse use = part.uses()
                        .getOrDefault(spec.name(), new ParameterUse(part.name() + "." + spec.name(), Optional.empty()));
                uses.put(spec.name(), use);
                parameters.putIfAbsent(use.parameter(), spec.named(use.parameter()));
            }
            numbers.put(part.name(), parts.size());
            parts.add(new Bound(part.name(), module, declaration, sources, uses));
        }
        return new Layout(parts, parameters);
    }

    /** The part with the output last: it needs no other behind it. */
    private static List<Part> inOrder(CompositionGraph graph) {
        List<Part> parts = new ArrayList<>(graph.parts());
        Part output = parts.stream()
                .filter(part -> part.name().equals(graph.output()))
                .findFirst()
                .orElseThrow();
        parts.remove(output);
        parts.add(output);
        return parts;
    }

    private Module module(Part part) {
        for (Plugin plugin : ServiceLoader.load(Plugin.class)) {
            for (ModuleProvider provider : plugin.modules()) {
                if (provider.type().equals(part.type())) {
                    String owner = "%s, part '%s' (%s)".formatted(type(), part.name(), part.type());
                    Arguments arguments = new Arguments(owner, part.arguments());
                    Module module = provider.create(arguments);
                    arguments.rejectUnknown();
                    return module;
                }
            }
        }
        throw new AssertionError("No plugin on the class path of this test provides %s, the type of part '%s' of %s."
                .formatted(part.type(), part.name(), this));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Layout layout =
                layout(inputs.stream().map(input -> input.shape().dropFirst(1)).toList());
        return new ComposedEvaluation(layout, context, inputs, parameters);
    }

    @Override
    public String toString() {
        return composition.toString();
    }
}
