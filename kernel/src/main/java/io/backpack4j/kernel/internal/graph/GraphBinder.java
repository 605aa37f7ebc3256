// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.CodeLocation;
import io.backpack4j.kernel.internal.calls.MissingClass;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/** Asks the modules of a graph, and the parts of its compositions, what they make and need. */
final class GraphBinder {

    /** More elements than that take no network to its end, but modules, which count positions, long to say so. */
    private static final long MAX_SAMPLE_ELEMENTS = Integer.MAX_VALUE;

    private final Graph graph;
    private final List<Shape> inputShapes;
    private final PartMaker maker;
    private final BiFunction<String, Module, Module> modes;
    private final Problems problems = new Problems();
    private final ParameterTable parameters = new ParameterTable(problems);
    private final Map<String, Integer> numbers = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    private final List<BoundNode> nodes = new ArrayList<>();

    GraphBinder(Graph graph, List<Shape> inputShapes, PartMaker maker, BiFunction<String, Module, Module> modes) {
        this.modes = modes;
        this.graph = graph;
        this.inputShapes = inputShapes;
        this.maker = maker;
    }

    BoundGraph bind() {
        for (Graph.Node node : graph.nodes()) {
            List<BoundNode.Source> sources =
                    node.inputs().stream().map(this::source).toList();
            var owners = parameters.of(node);
            String described = BoundNode.description(node.name(), node.module());
            try {
                numbers.put(node.name(), place(node, described, sources, owners));
            } catch (BackpackException e) {
                // What follows depends on this node's output, so its problems would be echoes.
                e.problems().forEach(problem -> problems.add(problem.id(), problem.message()));
                problems.throwIfAny();
            }
            owners.reportUnknown();
        }
        problems.throwIfAny();
        int output = numbers.getOrDefault(graph.output(), nodes.size() - 1);
        requireElements(nodes.get(output));
        return new BoundGraph(
                graph, inputShapes, nodes, output, parameters.specifications(nodes), parameters.uses(nodes));
    }

    /**
     * Refuses outputs without elements: the loss has nothing to look at, and no signal goes back, since its root has no
     * columns.
     */
    private static void requireElements(BoundNode output) {
        Shape shape = output.declaration().output();
        if (shape.elements() == 0) {
            throw new BackpackException(
                    KernelProblems.EMPTY_OUTPUT,
                    "The network's output, that of %s, has shape %s for a sample: there are no numbers for a loss. Use inputs whose axes have elements."
                            .formatted(output.described(), shape));
        }
    }

    private BoundNode.Source source(String name) {
        Integer number = numbers.get(name);
        return number != null
                ? new BoundNode.Source(true, number)
                : new BoundNode.Source(false, graph.inputs().indexOf(name));
    }

    /**
     * Puts a node, or all parts of a composition, in place.
     *
     * @param owners knows where the module's parameters are
     * @return the number of the node whose output is the module's
     */
    int place(Graph.Node node, String described, List<BoundNode.Source> sources, ParameterOwners owners) {
        List<Shape> shapes = sources.stream().map(this::shape).toList();
        if (!names.add(node.name())) {
            throw new BackpackException(
                    KernelProblems.DUPLICATE_NODE,
                    "Two nodes, or a node and a part of a composition, are named '%s'. Rename one."
                            .formatted(node.name()));
        }
        Module module = modes.apply(node.name(), node.module());
        if (module instanceof Composition composition) {
            var graphOfParts = called(described, composition, "composed its graph", () -> composition.compose(shapes));
            return new PlacedComposition(this, maker, node.name(), described, composition, graphOfParts, owners)
                    .place(sources);
        }
        ModuleDeclaration declaration = declare(module, described, shapes);
        Map<String, BoundNode.Owner> own = new LinkedHashMap<>();
        for (ParameterSpec spec : declaration.parameters()) {
            own.put(spec.name(), owners.owner(spec));
        }
        var inMode = new Graph.Node(node.name(), module, node.inputs(), node.frozen(), node.ties());
        nodes.add(new BoundNode(nodes.size(), inMode, described, declaration, sources, own));
        return nodes.size() - 1;
    }

    private static ModuleDeclaration declare(Module module, String described, List<Shape> shapes) {
        ModuleDeclaration declaration = called(described, module, "declared its output", () -> module.declare(shapes));
        if (declaration.output().elements() > MAX_SAMPLE_ELEMENTS) {
            throw fails(
                    described,
                    new BackpackException(
                            CommonProblems.TOO_LARGE,
                            "its output for one sample has shape %s, that is %d elements, but at most %d are possible."
                                    .formatted(
                                            declaration.output(),
                                            declaration.output().elements(),
                                            MAX_SAMPLE_ELEMENTS)));
        }
        return declaration;
    }

    /** Calls a module: what goes wrong is reported with its name. */
    private static <T> T called(String described, Module module, String what, Supplier<T> call) {
        try {
            return call.get();
        } catch (BackpackException e) {
            throw fails(described, e);
        } catch (RuntimeException | LinkageError | AssertionError | StackOverflowError e) {
            throw fails(
                    described,
                    new BackpackException(
                            KernelProblems.PLUGIN_FAILURE,
                            "failed as it %s: ".formatted(what)
                                    + MissingClass.describe(e, CodeLocation.of(module.getClass())),
                            e));
        }
    }

    private static BackpackException fails(String described, BackpackException failure) {
        String subject = Character.toUpperCase(described.charAt(0)) + described.substring(1);
        return new BackpackException(failure.problems().stream()
                .map(problem -> new Problem(problem.id(), subject + ": " + problem.message()))
                .toList());
    }

    private Shape shape(BoundNode.Source source) {
        return source.fromNode() ? nodes.get(source.index()).declaration().output() : inputShapes.get(source.index());
    }
}
