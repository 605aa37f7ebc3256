package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.CodeLocation;
import io.backpack4j.kernel.internal.MissingClass;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** A graph whose shapes are known: what every node makes, which parameters there are, and who uses them. Immutable. */
public final class BoundGraph {

    /** More elements than that take no network to its end, but modules, which count positions, long to say so. */
    private static final long MAX_SAMPLE_ELEMENTS = Integer.MAX_VALUE;

    private final Graph graph;
    private final List<Shape> inputShapes;
    private final List<BoundNode> nodes;
    private final int output;
    private final Map<String, ParameterSpec> parameters;
    private final Map<String, List<Use>> uses;

    /**
     * A use of a trained parameter.
     *
     * @param node the node's number
     * @param name the parameter's name within the node
     */
    public record Use(int node, String name) {}

    private BoundGraph(
            Graph graph,
            List<Shape> inputShapes,
            List<BoundNode> nodes,
            int output,
            Map<String, ParameterSpec> parameters,
            Map<String, List<Use>> uses) {
        this.graph = graph;
        this.inputShapes = List.copyOf(inputShapes);
        this.nodes = List.copyOf(nodes);
        this.output = output;
        this.parameters = parameters;
        this.uses = uses;
    }

    /**
     * Binds a graph.
     *
     * @param inputShapes the shape of one sample of each input
     * @throws BackpackException with everything that does not fit
     */
    public static BoundGraph bind(Graph graph, List<Shape> inputShapes) {
        if (inputShapes.size() != graph.inputs().size()) {
            throw new BackpackException(
                    KernelProblems.WRONG_INPUTS,
                    "The model has %d input(s) (%s), but %d shape(s) were given."
                            .formatted(graph.inputs().size(), String.join(", ", graph.inputs()), inputShapes.size()));
        }
        return new Binder(graph, inputShapes).bind();
    }

    /** This graph with chains of nodes replaced by single ones that do the same. */
    public BoundGraph fused(List<Fusion> fusions) {
        FusedGraph fused = new FusedGraph(this, fusions);
        List<BoundNode> fewer = fused.nodes();
        Map<String, List<Use>> moved = new LinkedHashMap<>();
        uses.forEach((parameter, all) -> moved.put(
                parameter,
                all.stream()
                        .map(use -> new Use(fused.number(use.node()), use.name()))
                        .toList()));
        return new BoundGraph(graph, inputShapes, fewer, fused.number(output), parameters, moved);
    }

    /** The graph. */
    public Graph graph() {
        return graph;
    }

    /** The shapes of one sample's inputs. */
    public List<Shape> inputShapes() {
        return inputShapes;
    }

    /** The nodes, each after those that feed it. */
    public List<BoundNode> nodes() {
        return nodes;
    }

    /** The number of the output node. */
    public int output() {
        return output;
    }

    /** The shape of one sample's output. */
    public Shape outputShape() {
        return nodes.get(output).declaration().output();
    }

    /** The shape of one sample of what a node's input comes from. */
    public Shape shape(BoundNode.Source source) {
        return source.fromNode() ? nodes.get(source.index()).declaration().output() : inputShapes.get(source.index());
    }

    /** All parameters and buffers by full name, in the order of the network. */
    public Map<String, ParameterSpec> parameters() {
        return parameters;
    }

    /** The trained parameters by full name, in the order of the network, with all their uses. */
    public Map<String, List<Use>> uses() {
        return uses;
    }

    /** Does the work of {@link BoundGraph#bind}. */
    private static final class Binder {

        private final Graph graph;
        private final List<Shape> inputShapes;
        private final Problems problems = new Problems();
        private final Map<String, Integer> numbers = new HashMap<>();
        private final Map<String, ParameterSpec> parameters = new LinkedHashMap<>();
        private final Map<String, List<Use>> uses = new LinkedHashMap<>();
        private final List<BoundNode> nodes = new ArrayList<>();
        private final Set<String> frozenOwners = new LinkedHashSet<>();

        Binder(Graph graph, List<Shape> inputShapes) {
            this.graph = graph;
            this.inputShapes = inputShapes;
        }

        BoundGraph bind() {
            for (Graph.Node node : graph.nodes()) {
                ModuleDeclaration declaration = declare(node);
                numbers.put(node.name(), nodes.size());
                nodes.add(bind(node, declaration));
            }
            problems.throwIfAny();
            nodes.forEach(this::collectUses);
            int output = numbers.getOrDefault(graph.output(), nodes.size() - 1);
            requireElements(nodes.get(output));
            return new BoundGraph(graph, inputShapes, nodes, output, parameters, uses);
        }

        /** Where the loss has nothing to look at, no signal goes back: its root has no columns. */
        private static void requireElements(BoundNode output) {
            Shape shape = output.declaration().output();
            if (shape.elements() == 0) {
                throw new BackpackException(
                        KernelProblems.EMPTY_OUTPUT,
                        "The network's output, that of %s, has shape %s for a sample: there are no numbers for a loss. Use inputs whose axes have elements."
                                .formatted(output.described(), shape));
            }
        }

        private ModuleDeclaration declare(Graph.Node node) {
            List<Shape> shapes = new ArrayList<>();
            for (String input : node.inputs()) {
                shapes.add(shape(source(input)));
            }
            try {
                return declared(node, shapes);
            } catch (BackpackException e) {
                // What follows depends on this node's output, so its problems would be echoes.
                e.problems()
                        .forEach(problem -> problems.add(
                                problem.id(),
                                "Node '%s' (%s): %s"
                                        .formatted(node.name(), node.module().type(), problem.message())));
                problems.throwIfAny();
                throw e;
            }
        }

        private static ModuleDeclaration declared(Graph.Node node, List<Shape> shapes) {
            ModuleDeclaration declaration;
            try {
                declaration = node.module().declare(shapes);
            } catch (BackpackException e) {
                throw e;
            } catch (RuntimeException | LinkageError | AssertionError | StackOverflowError e) {
                throw new BackpackException(
                        KernelProblems.PLUGIN_FAILURE,
                        "failed as it declared its output: "
                                + MissingClass.describe(
                                        e, CodeLocation.of(node.module().getClass())),
                        e);
            }
            if (declaration.output().elements() > MAX_SAMPLE_ELEMENTS) {
                throw new BackpackException(
                        CommonProblems.TOO_LARGE,
                        "its output for one sample has shape %s, that is %d elements, but at most %d are possible."
                                .formatted(
                                        declaration.output(),
                                        declaration.output().elements(),
                                        MAX_SAMPLE_ELEMENTS));
            }
            return declaration;
        }

        private BoundNode.Source source(String name) {
            Integer number = numbers.get(name);
            return number != null
                    ? new BoundNode.Source(true, number)
                    : new BoundNode.Source(false, graph.inputs().indexOf(name));
        }

        private Shape shape(BoundNode.Source source) {
            return source.fromNode()
                    ? nodes.get(source.index()).declaration().output()
                    : inputShapes.get(source.index());
        }

        private BoundNode bind(Graph.Node node, ModuleDeclaration declaration) {
            Map<String, String> owners = new LinkedHashMap<>();
            for (ParameterSpec spec : declaration.parameters()) {
                String tie = node.ties().get(spec.name());
                String owner = tie == null ? node.name() + "." + spec.name() : resolve(node, spec, tie);
                owners.put(spec.name(), owner);
                if (tie == null) {
                    parameters.put(owner, spec);
                }
                if (node.frozen().contains(spec.name())) {
                    frozenOwners.add(owner);
                }
            }
            reportUnknown(node, "tie", node.ties().keySet(), owners.keySet());
            reportUnknown(node, "requires_grad", node.frozen().names(), owners.keySet());
            List<BoundNode.Source> sources =
                    node.inputs().stream().map(this::source).toList();
            return new BoundNode(nodes.size(), node, declaration, sources, owners);
        }

        /** Tied parameters are one, as in PyTorch: frozen anywhere, it is frozen everywhere. */
        private void collectUses(BoundNode node) {
            for (ParameterSpec spec : node.declaration().parameters()) {
                String owner = Objects.requireNonNull(node.owners().get(spec.name()));
                if (spec.trainable() && !frozenOwners.contains(owner)) {
                    uses.computeIfAbsent(owner, key -> new ArrayList<>()).add(new Use(node.index(), spec.name()));
                }
            }
        }

        private String resolve(Graph.Node node, ParameterSpec spec, String owner) {
            ParameterSpec original = parameters.get(owner);
            if (original == null) {
                problems.add(
                        CommonProblems.UNKNOWN_PARAMETER,
                        "Node '%s' ties '%s' to '%s', which is not a parameter of a node before it. Possible: %s."
                                .formatted(node.name(), spec.name(), owner, String.join(", ", parameters.keySet())));
            } else if (!original.shape().equals(spec.shape())) {
                problems.add(
                        CommonProblems.SHAPE_MISMATCH,
                        "Node '%s' ties '%s' of shape %s to '%s' of shape %s. Tied parameters have one shape."
                                .formatted(node.name(), spec.name(), spec.shape(), owner, original.shape()));
            }
            return owner;
        }

        private void reportUnknown(Graph.Node node, String key, Set<String> names, Set<String> own) {
            for (String name : names) {
                if (!own.contains(name)) {
                    Problem problem = new Problem(
                            CommonProblems.UNKNOWN_PARAMETER,
                            "Node '%s' (%s) has no parameter '%s', which its '%s' names. Its parameters: %s."
                                    .formatted(
                                            node.name(),
                                            node.module().type(),
                                            name,
                                            key,
                                            own.isEmpty() ? "none" : String.join(", ", own)));
                    problems.add(problem.id(), problem.message());
                }
            }
        }
    }
}
