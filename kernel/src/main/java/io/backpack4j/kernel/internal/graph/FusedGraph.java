// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.CodeLocation;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Replaces chains of nodes by single ones where a fusion knows how. */
final class FusedGraph {

    private final BoundGraph bound;
    private final List<Fusion> fusions;
    private final int[] readers;
    private final int[] reader;
    private final List<BoundNode> nodes = new ArrayList<>();
    private final Map<Integer, Integer> numbers = new HashMap<>();

    FusedGraph(BoundGraph bound, List<Fusion> fusions) {
        this.bound = bound;
        this.fusions = fusions;
        int count = bound.nodes().size();
        readers = new int[count];
        reader = new int[count];
        readers[bound.output()]++;
        for (BoundNode node : bound.nodes()) {
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode()) {
                    readers[source.index()]++;
                    reader[source.index()] = node.index();
                }
            }
        }
    }

    /** The nodes after all replacements, in an order in which each comes after those that feed it. */
    List<BoundNode> nodes() {
        boolean[] replaced = new boolean[bound.nodes().size()];
        for (BoundNode node : bound.nodes()) {
            if (!replaced[node.index()]) {
                List<BoundNode> chain = chain(node);
                Optional<Module> fused = Optional.empty();
                while (chain.size() > 1 && fused.isEmpty()) {
                    fused = fuse(chain);
                    chain = fused.isEmpty() ? chain.subList(0, chain.size() - 1) : chain;
                }
                if (fused.isPresent()) {
                    add(chain, fused.get());
                    chain.forEach(part -> replaced[part.index()] = true);
                } else {
                    add(List.of(node), node.node().module());
                }
            }
        }
        return Collections.unmodifiableList(nodes);
    }

    /** The number that a node, or the chain that it ends, has now. */
    int number(int before) {
        return numbers.getOrDefault(before, -1);
    }

    private List<BoundNode> chain(BoundNode first) {
        List<BoundNode> chain = new ArrayList<>();
        BoundNode node = first;
        while (node.declaration().parameters().isEmpty() && node.inputs().size() == 1) {
            chain.add(node);
            boolean read = readers[node.index()] == 1 && node.index() != bound.output();
            // A chain must not jump over nodes that are not part of it.
            if (!read || reader[node.index()] != node.index() + 1) {
                break;
            }
            node = bound.nodes().get(reader[node.index()]);
        }
        return chain;
    }

    private Optional<Module> fuse(List<BoundNode> chain) {
        List<Module> modules = chain.stream().map(node -> node.node().module()).toList();
        BoundNode.Source source = chain.get(0).inputs().get(0);
        Shape input = source.fromNode()
                ? bound.nodes().get(source.index()).declaration().output()
                : bound.inputShapes().get(source.index());
        for (Fusion fusion : fusions) {
            Optional<Module> fused = fuse(fusion, chain, modules, input);
            if (fused.isPresent()) {
                return fused;
            }
        }
        return Optional.empty();
    }

    /** Asks a plugin, and checks what it says. */
    private static Optional<Module> fuse(Fusion fusion, List<BoundNode> chain, List<Module> modules, Shape input) {
        Optional<Module> fused;
        ModuleDeclaration declaration;
        try {
            fused = fusion.fuse(modules, input);
            if (fused.isEmpty()) {
                return fused;
            }
            declaration = fused.get().declare(List.of(input));
        } catch (RuntimeException | LinkageError e) {
            throw failure(fusion, chain, "failed: " + e, e);
        }
        Shape output = chain.get(chain.size() - 1).declaration().output();
        if (!declaration.output().equals(output)) {
            String problem = "offers %s, which makes %s of %s where they make %s"
                    .formatted(fused.get().type(), declaration.output(), input, output);
            throw failure(fusion, chain, problem, null);
        }
        if (!declaration.parameters().isEmpty()) {
            String problem = "offers %s, which has parameters where they have none"
                    .formatted(fused.get().type());
            throw failure(fusion, chain, problem, null);
        }
        return fused;
    }

    private static BackpackException failure(
            Fusion fusion, List<BoundNode> chain, String problem, @Nullable Throwable cause) {
        String names =
                chain.stream().map(node -> "'" + node.node().name() + "'").collect(Collectors.joining(", "));
        String types = chain.stream().map(node -> node.node().module().type()).collect(Collectors.joining(", "));
        String message = "The fusion of nodes %s (%s) %s. This is an error of the plugin that provides it, %s."
                .formatted(names, types, problem, CodeLocation.of(fusion.getClass()));
        return new BackpackException(KernelProblems.PLUGIN_FAILURE, message, cause);
    }

    private void add(List<BoundNode> chain, Module module) {
        BoundNode first = chain.get(0);
        BoundNode last = chain.get(chain.size() - 1);
        List<BoundNode.Source> sources = first.inputs().stream()
                .map(source -> source.fromNode() ? new BoundNode.Source(true, number(source.index())) : source)
                .toList();
        numbers.put(last.index(), nodes.size());
        if (chain.size() == 1) {
            nodes.add(new BoundNode(
                    nodes.size(), first.node(), first.described(), first.declaration(), sources, first.owners()));
            return;
        }
        String name =
                String.join("+", chain.stream().map(node -> node.node().name()).toList());
        Graph.Node node = new Graph.Node(name, module, first.node().inputs(), Frozen.NONE, Map.of());
        Shape input = sources.get(0).fromNode()
                ? nodes.get(sources.get(0).index()).declaration().output()
                : bound.inputShapes().get(sources.get(0).index());
        ModuleDeclaration declaration = module.declare(List.of(input));
        String described = BoundNode.description(name, module);
        nodes.add(new BoundNode(nodes.size(), node, described, declaration, sources, Map.of(), List.copyOf(chain)));
    }
}
