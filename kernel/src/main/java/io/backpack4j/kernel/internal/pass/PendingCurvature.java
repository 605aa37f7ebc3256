// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SignalLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The curvature of the non-linear nodes of a chunk, from when the loss gradient passes them until its columns were sent
 * on.
 */
final class PendingCurvature implements AutoCloseable {

    private final PassLayout layout;
    private final @Nullable SignalLayout signal;
    private final Backend backend;
    private final ChunkForward forward;
    private final Deque<Source> pending = new ArrayDeque<>();
    private final List<BoundNode> unsupported = new ArrayList<>();
    private final List<String> supported = new ArrayList<>();

    /**
     * A node with curvature.
     *
     * @param node the node
     * @param curvature what it adds to the Hessian at its inputs
     * @param scope owns the curvature
     */
    record Source(BoundNode node, Curvature curvature, TensorScope scope) {}

    PendingCurvature(PassLayout layout, Optional<SignalLayout> signal, Backend backend, ChunkForward forward) {
        this.layout = layout;
        this.signal = signal.orElse(null);
        this.backend = backend;
        this.forward = forward;
    }

    /**
     * Notes the curvature of a node above a parameter that wants it. One that has such a parameter itself must say that
     * it is affine in it.
     *
     * @param gradient the loss's gradient at its output, {@code [1, N, *out]}
     */
    void collect(BoundNode node, Tensor gradient) {
        if (signal == null || !signal.reaches()[node.index()]) {
            return;
        }
        boolean hasSites = !signal.sitesAt().get(node.index()).isEmpty();
        boolean isAffine = !hasSites
                || PluginCalls.call(
                        node.part(),
                        "in its curvature",
                        () -> forward.evaluation(node).isAffineInParameters());
        if (!isAffine) {
            unsupported.add(node);
            return;
        }
        if (!isAbove(node, signal)) {
            supported.add(node.node().module().type());
            return;
        }
        TensorScope scope = backend.openScope();
        boolean kept = false;
        try {
            Optional<Curvature> curvature = PluginCalls.call(
                    node.part(),
                    "in its curvature",
                    () -> forward.evaluation(node).curvature(forward.context(node, scope), gradient));
            if (curvature.isEmpty()) {
                unsupported.add(node);
                return;
            }
            supported.add(node.node().module().type());
            if (curvature.get().columns() > 0) {
                pending.add(new Source(node, curvature.get(), scope));
                kept = true;
            }
        } finally {
            if (!kept) {
                scope.close();
            }
        }
    }

    private static boolean isAbove(BoundNode node, SignalLayout signal) {
        return node.inputs().stream().anyMatch(source -> source.fromNode() && signal.reaches()[source.index()]);
    }

    /** The signal that the columns are. */
    SignalLayout signal() {
        if (signal == null) {
            throw new IllegalStateException("Nobody wants curvature");
        }
        return signal;
    }

    /**
     * The number of the topmost node whose columns are still to be sent, −1 if there is none. Everything above is done
     * with.
     */
    int top() {
        Source source = pending.peek();
        return source == null ? -1 : source.node().index();
    }

    /** Takes the topmost node with curvature, null when all were taken. The caller closes its scope. */
    @Nullable
    Source next() {
        return pending.poll();
    }

    /** Reports all nodes without a rule at once. */
    void requireSupported() {
        if (unsupported.isEmpty()) {
            return;
        }
        List<Problem> problems = new ArrayList<>();
        for (Extension<?> extension : layout.extensionsWithResidual()) {
            String instead = PluginCalls.call(
                            Part.of(extension), "as it said what to use", extension::insteadOfResidualCurvature)
                    .map(advice -> " %s.".formatted(advice))
                    .orElse("");
            for (BoundNode node : unsupported) {
                problems.add(new Problem(
                        CommonProblems.UNSUPPORTED_MODULE,
                        "%s has no rule for %s. Modules with one: %s, and others that 'backpack support' lists.%s"
                                .formatted(
                                        extension.type(),
                                        node.described(),
                                        String.join(
                                                ", ",
                                                supported.stream()
                                                        .distinct()
                                                        .sorted()
                                                        .toList()),
                                        instead)));
            }
        }
        throw new BackpackException(problems);
    }

    @Override
    public void close() {
        pending.forEach(source -> source.scope().close());
    }
}
