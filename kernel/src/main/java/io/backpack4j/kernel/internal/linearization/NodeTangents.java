// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tangents of the outputs of all nodes, as parameters move along theirs. */
final class NodeTangents implements AutoCloseable {

    private final PassLayout layout;
    private final Backend backend;
    private final ChunkForward forward;
    private final Map<String, Tensor> ofParameters;
    private final Map<BoundNode.Owner, Tensor> ofRows = new HashMap<>();
    private final long columns;
    private final TensorScope scope;
    private final @Nullable Tensor[] atNodes;

    /**
     * Pushes tangents forward.
     *
     * @param ofParameters {@code [V, *p]} by full name; not empty
     * @param keep whether those of inner nodes are asked for afterwards
     */
    NodeTangents(
            PassLayout layout, Backend backend, ChunkForward forward, Map<String, Tensor> ofParameters, boolean keep) {
        this.layout = layout;
        this.backend = backend;
        this.forward = forward;
        this.ofParameters = ofParameters;
        this.columns = ofParameters.values().iterator().next().shape().size(0);
        this.scope = backend.openScope();
        this.atNodes = new @Nullable Tensor[layout.graph().nodes().size()];
        boolean done = false;
        try {
            push(keep);
            done = true;
        } finally {
            if (!done) {
                scope.close();
            }
        }
    }

    private void push(boolean keep) {
        BoundGraph graph = layout.graph();
        int[] lastReader = new int[graph.nodes().size()];
        for (BoundNode node : graph.nodes()) {
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode()) {
                    lastReader[source.index()] = node.index();
                }
            }
        }
        for (BoundNode node : graph.nodes()) {
            Optional<Tangents> tangents = at(node);
            tangents.ifPresent(moving -> atNodes[node.index()] = push(node, moving));
            for (BoundNode.Source source : node.inputs()) {
                boolean last = source.fromNode() && lastReader[source.index()] == node.index();
                if (!keep && last && source.index() != graph.output()) {
                    release(source.index());
                }
            }
        }
    }

    private Tensor push(BoundNode node, Tangents tangents) {
        Tensor output = PluginCalls.call(
                node.part(),
                "in its Jacobian product",
                () -> forward.evaluation(node).pushforward(forward.context(node, scope), tangents));
        Shape expected = node.declaration().output().prepend(columns, samples());
        PluginCalls.check(node.part(), "the tangents of its output", output, expected, layout.dtype());
        // A module may hand a tangent on as it is; two handles then close apart.
        boolean same = tangents.inputs().stream().anyMatch(input -> input.isPresent() && input.get() == output);
        return same ? scope.view(output, output.shape()) : output;
    }

    private void release(int node) {
        Tensor tensor = atNodes[node];
        if (tensor != null) {
            tensor.close();
            atNodes[node] = null;
        }
    }

    private long samples() {
        return forward.toSample() - forward.fromSample();
    }

    /** Tangents of a node's inputs and parameters, empty if all stand still. */
    Optional<Tangents> at(BoundNode node) {
        List<Optional<Tensor>> inputs = new ArrayList<>();
        for (BoundNode.Source source : node.inputs()) {
            inputs.add(source.fromNode() ? Optional.ofNullable(atNodes[source.index()]) : Optional.empty());
        }
        Map<String, Tensor> parameters = new HashMap<>();
        node.owners().forEach((name, owner) -> {
            Tensor tangent = ofParameters.get(owner.parameter());
            if (tangent != null) {
                parameters.put(name, owner.rows().isPresent() ? rows(owner, tangent) : tangent);
            }
        });
        boolean moves = !parameters.isEmpty() || inputs.stream().anyMatch(Optional::isPresent);
        return moves ? Optional.of(new Tangents(columns, inputs, parameters)) : Optional.empty();
    }

    private Tensor rows(BoundNode.Owner owner, Tensor tangent) {
        RowBlock rows = owner.rows().orElseThrow();
        return ofRows.computeIfAbsent(owner, key -> rows.read(backend, scope, tangent, 1));
    }

    /** Tangents of the network's output, {@code [V, n, *out]}. */
    Tensor output() {
        // Every trained parameter leads to the output: graphs with other nodes are refused.
        return Objects.requireNonNull(atNodes[layout.graph().output()]);
    }

    @Override
    public void close() {
        scope.close();
    }
}
