// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.Cotangents;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Pulls cotangents back from the output of the network through all nodes that lead to wanted parameters. */
final class PullbackWalk {

    private final PassLayout layout;
    private final Backend backend;
    private final ChunkForward forward;

    /** Visitor of the nodes on the way. */
    interface Visitor {

        /**
         * Sees the cotangents of a node's output, all paths added.
         *
         * @param scope closes when the walk leaves the node
         * @return what the node adds to the cotangents of its inputs itself
         */
        Source visit(BoundNode node, Tensor cotangents, Pullback pullback, TensorScope scope);
    }

    /** Terms that a node adds to the cotangents of its inputs. */
    interface Source {

        /** Nothing. */
        Source NONE = input -> Optional.empty();

        /** {@code [V, n, *in_i]}, if it adds anything there. */
        Optional<Tensor> input(int index);
    }

    PullbackWalk(PassLayout layout, Backend backend, ChunkForward forward) {
        this.layout = layout;
        this.backend = backend;
        this.forward = forward;
    }

    /**
     * Walks.
     *
     * @param seed {@code [V, n, *out]}, taken over
     * @param reaches per node, whether cotangents must get there
     */
    void walk(Tensor seed, boolean[] reaches, Visitor visitor) {
        List<BoundNode> nodes = layout.graph().nodes();
        try (Cotangents cotangents = new Cotangents(backend, nodes.size())) {
            cotangents.add(layout.graph().output(), seed);
            for (int index = nodes.size() - 1; index >= 0; index--) {
                if (reaches[index]) {
                    step(nodes.get(index), reaches, cotangents, visitor);
                }
            }
        }
    }

    private void step(BoundNode node, boolean[] reaches, Cotangents cotangents, Visitor visitor) {
        Tensor arrived = Objects.requireNonNull(cotangents.take(node.index()));
        try (TensorScope scope = backend.openScope()) {
            scope.adopt(arrived);
            Part part = node.part();
            Pullback pullback = PluginCalls.call(
                    part,
                    "in its backward pass",
                    () -> forward.evaluation(node).pullback(forward.context(node, scope), arrived));
            Source source = visitor.visit(node, arrived, pullback, scope);
            for (int input = 0; input < node.inputs().size(); input++) {
                BoundNode.Source from = node.inputs().get(input);
                if (from.fromNode() && reaches[from.index()]) {
                    int number = input;
                    Shape expected = layout.graph()
                            .shape(from)
                            .prepend(arrived.shape().size(0), arrived.shape().size(1));
                    Tensor pulled = PluginCalls.call(part, "in its backward pass", () -> pullback.input(number));
                    PluginCalls.check(part, "the cotangents of an input", pulled, expected, layout.dtype());
                    cotangents.add(from.index(), pulled == arrived ? scope.view(pulled, expected) : pulled);
                    Optional<Tensor> more =
                            PluginCalls.call(part, "in its second derivative", () -> source.input(number));
                    more.ifPresent(own -> {
                        PluginCalls.check(part, "the change of cotangents", own, expected, layout.dtype());
                        cotangents.add(from.index(), own);
                    });
                }
            }
        }
    }
}
