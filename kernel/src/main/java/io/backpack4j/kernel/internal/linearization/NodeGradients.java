// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The loss's gradient at the nodes' outputs, and what nodes make of it: fixed as long as the network stays linearised.
 */
final class NodeGradients implements AutoCloseable {

    private final PassLayout layout;
    private final Backend backend;
    private final ChunkForward forward;
    private final TensorScope scope;
    private final @Nullable Tensor[] atNodes;
    private final Map<Projection, @Nullable ProjectedCurvature[]> projected = new EnumMap<>(Projection.class);

    NodeGradients(PassLayout layout, Backend backend, ChunkForward forward) {
        this.layout = layout;
        this.backend = backend;
        this.forward = forward;
        this.scope = backend.openScope();
        this.atNodes = new @Nullable Tensor[layout.graph().nodes().size()];
    }

    /** Walks the gradient back if a matrix needs it. */
    void prepare(Set<CurvatureMatrix> matrices) {
        boolean hessian = matrices.stream().anyMatch(CurvatureMatrix::hasSecondDerivatives);
        Set<Projection> projections = EnumSet.noneOf(Projection.class);
        for (CurvatureMatrix matrix : matrices) {
            matrix.nodeProjection().ifPresent(projections::add);
        }
        if (!hessian && projections.isEmpty()) {
            return;
        }
        projections.forEach(projection -> projected.put(projection, new @Nullable ProjectedCurvature[atNodes.length]));
        boolean[] reaches = Reach.of(layout.graph(), layout.graph().uses().keySet());
        List<BoundNode> unsupported = new ArrayList<>();
        Set<String> supported = new TreeSet<>();
        Tensor seed = forward.loss().gradient();
        new PullbackWalk(layout, backend, forward).walk(seed, reaches, (node, gradient, pullback, walk) -> {
            if (!projections.isEmpty()) {
                if (project(node, gradient, reaches, projections)) {
                    supported.add(node.node().module().type());
                } else {
                    unsupported.add(node);
                }
            }
            if (hessian) {
                atNodes[node.index()] = scope.view(gradient, gradient.shape());
            }
            return PullbackWalk.Source.NONE;
        });
        requireSupported(unsupported, supported);
    }

    /** Returns whether the node's module has second derivatives. */
    private boolean project(BoundNode node, Tensor gradient, boolean[] reaches, Set<Projection> projections) {
        List<Boolean> moving = new ArrayList<>();
        List<Shape> shapes = new ArrayList<>();
        for (BoundNode.Source source : node.inputs()) {
            moving.add(source.fromNode() && reaches[source.index()]);
            shapes.add(layout.graph().shape(source));
        }
        try (TensorScope work = backend.openScope()) {
            Optional<Curvature> given = PluginCalls.call(
                    node.part(),
                    "in its curvature",
                    () -> forward.evaluation(node).curvature(forward.context(node, work), gradient));
            if (given.isEmpty()) {
                return false;
            }
            Curvature curvature = given.get();
            if (curvature.columns() == 0 || !moving.contains(true)) {
                return true;
            }
            for (Projection projection : projections) {
                ProjectedCurvature own = PluginCalls.call(
                        node.part(),
                        "in its curvature",
                        () -> ProjectedCurvature.of(
                                forward.context(node, scope),
                                curvature,
                                projection,
                                moving,
                                shapes,
                                gradient.shape().size(1),
                                layout.dtype()));
                Objects.requireNonNull(projected.get(projection))[node.index()] = own;
            }
            return true;
        }
    }

    private static void requireSupported(List<BoundNode> unsupported, Set<String> supported) {
        if (unsupported.isEmpty()) {
            return;
        }
        throw new BackpackException(unsupported.stream()
                .map(node -> new Problem(
                        CommonProblems.UNSUPPORTED_MODULE,
                        "The positive-curvature Hessian has no rule for %s. Modules with one: %s, and others that 'backpack support' lists."
                                .formatted(node.described(), String.join(", ", supported))))
                .toList());
    }

    /** The loss's gradient at a node's output, {@code [1, n, *out]}. */
    Tensor at(BoundNode node) {
        return Objects.requireNonNull(atNodes[node.index()], "Nobody prepared the gradient at " + node.described());
    }

    /** Contribution of a node to the Hessian at its inputs, projected; empty if it adds nothing. */
    Optional<ProjectedCurvature> projected(Projection projection, BoundNode node) {
        return Optional.ofNullable(Objects.requireNonNull(projected.get(projection))[node.index()]);
    }

    @Override
    public void close() {
        scope.close();
    }
}
