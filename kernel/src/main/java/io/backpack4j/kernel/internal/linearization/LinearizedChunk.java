// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.pass.Products;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Some samples of a batch, evaluated, with what products need: the loss's gradient at every node where there are second
 * derivatives.
 */
final class LinearizedChunk implements Products.OfChunk {

    private final PassLayout layout;
    private final Backend backend;
    private final ChunkForward forward;
    private final boolean owned;
    private final double normaliser;
    private final NodeGradients gradients;

    LinearizedChunk(
            PassLayout layout,
            Backend backend,
            PassInputs inputs,
            long from,
            long to,
            double normaliser,
            Set<CurvatureMatrix> matrices) {
        this(
                layout,
                backend,
                new ChunkForward(layout, backend, inputs, from, to, normaliser),
                true,
                normaliser,
                matrices);
    }

    /**
     * Takes samples that were evaluated.
     *
     * @param owned whether they are given back when this is closed
     */
    LinearizedChunk(
            PassLayout layout,
            Backend backend,
            ChunkForward forward,
            boolean owned,
            double normaliser,
            Set<CurvatureMatrix> matrices) {
        this.layout = layout;
        this.backend = backend;
        this.forward = forward;
        this.owned = owned;
        this.normaliser = normaliser;
        NodeGradients made = null;
        boolean done = false;
        try {
            made = new NodeGradients(layout, backend, forward);
            made.prepare(matrices);
            done = true;
        } finally {
            if (!done) {
                close(made);
            }
        }
        this.gradients = made;
    }

    /** destination = J t, {@code [V, n, *out]}. */
    void pushforward(Map<String, Tensor> tangents, Tensor destination) {
        try (NodeTangents moved = new NodeTangents(layout, backend, forward, tangents, false)) {
            backend.elementwise().copy(moved.output(), destination);
        }
    }

    /** destinations += Jᵀ u. */
    void pullback(Tensor cotangents, Map<String, Tensor> destinations) {
        try (TensorScope scope = backend.openScope()) {
            Tensor seed = scope.view(cotangents, cotangents.shape());
            walkBack(seed, destinations, (node, inner) -> PullbackWalk.Source.NONE);
        }
    }

    @Override
    public void multiply(CurvatureMatrix matrix, Map<String, Tensor> tangents, Map<String, Tensor> destinations) {
        multiply(matrix, 1, tangents, destinations);
    }

    /** destinations += scale · matrix · t. */
    void multiply(
            CurvatureMatrix matrix, double scale, Map<String, Tensor> tangents, Map<String, Tensor> destinations) {
        Optional<Projection> projection = matrix.nodeProjection();
        boolean ofNodes = matrix.hasSecondDerivatives() || projection.isPresent();
        try (NodeTangents moved = new NodeTangents(layout, backend, forward, tangents, ofNodes);
                TensorScope scope = backend.openScope()) {
            Map<String, Tensor> unscaled = scale == 1 ? destinations : Zeros.like(backend, scope, destinations);
            Tensor seed = atLoss(matrix, moved.output(), scope);
            if (projection.isPresent()) {
                walkBack(seed, unscaled, (node, inner) -> projected(projection.get(), node, moved, inner));
            } else if (matrix.hasSecondDerivatives()) {
                walkBack(seed, unscaled, (node, inner) -> second(node, moved, unscaled, inner));
            } else {
                walkBack(seed, unscaled, (node, inner) -> PullbackWalk.Source.NONE);
            }
            if (scale != 1) {
                destinations.forEach((name, destination) -> backend.elementwise()
                        .addScaled(scale, Objects.requireNonNull(unscaled.get(name)), destination));
            }
        }
    }

    private Tensor atLoss(CurvatureMatrix matrix, Tensor tangents, TensorScope scope) {
        Part part = Part.of(matrix, layout.loss());
        Tensor product = PluginCalls.call(
                part,
                "at the loss",
                () -> matrix.atLoss(forward.lossContext(scope), forward.loss(), normaliser, tangents));
        return PluginCalls.check(part, "its product", product, tangents.shape(), tangents.dtype());
    }

    /** Terms that a node adds on the way back beside its pullback. */
    private interface Addition {
        PullbackWalk.Source at(BoundNode node, TensorScope scope);
    }

    private void walkBack(Tensor seed, Map<String, Tensor> destinations, Addition addition) {
        boolean[] reaches = Reach.of(layout.graph(), destinations.keySet());
        new PullbackWalk(layout, backend, forward).walk(seed, reaches, (node, cotangents, pullback, scope) -> {
            node.owners().forEach((name, owner) -> {
                Tensor destination = destinations.get(owner.parameter());
                if (destination != null) {
                    into(owner, destination, rows -> addSum(node, pullback, name, rows));
                }
            });
            return addition.at(node, scope);
        });
    }

    /** Lets a node add to what is its own of a parameter's vectors {@code [V, *p]}. */
    private void into(BoundNode.Owner owner, Tensor destination, Consumer<Tensor> node) {
        if (owner.rows().isPresent()) {
            owner.rows().get().update(backend, destination, 1, node);
        } else {
            node.accept(destination);
        }
    }

    private static void addSum(BoundNode node, Pullback pullback, String name, Tensor destination) {
        PluginCalls.call(node.part(), "in its backward pass", () -> {
            ParameterDerivatives derivatives = pullback.parameter(name);
            derivatives.execute(List.of(new ContractionTask(new Contraction.Sum(), List.of(destination), null, true)));
            return derivatives;
        });
    }

    /** d/dt J(x + t ẋ, θ + t θ̇)ᵀ g, g being the loss's gradient. */
    private PullbackWalk.Source second(
            BoundNode node, NodeTangents moved, Map<String, Tensor> destinations, TensorScope scope) {
        Optional<Tangents> tangents = moved.at(node);
        if (tangents.isEmpty()) {
            return PullbackWalk.Source.NONE;
        }
        Part part = node.part();
        PullbackTangent change = PluginCalls.call(
                part,
                "in its second derivative",
                () -> forward.evaluation(node)
                        .pullbackTangent(forward.context(node, scope), gradients.at(node), tangents.get()));
        node.owners().forEach((name, owner) -> {
            Tensor destination = destinations.get(owner.parameter());
            if (destination != null) {
                into(
                        owner,
                        destination,
                        rows -> PluginCalls.call(part, "in its second derivative", () -> {
                            change.addToParameter(name, rows);
                            return rows;
                        }));
            }
        });
        return change::input;
    }

    private PullbackWalk.Source projected(
            Projection projection, BoundNode node, NodeTangents moved, TensorScope scope) {
        Optional<ProjectedCurvature> projected = gradients.projected(projection, node);
        Optional<Tangents> tangents = moved.at(node);
        if (projected.isEmpty() || tangents.isEmpty()) {
            return PullbackWalk.Source.NONE;
        }
        return projected.get().multiply(tangents.get(), backend, scope)::get;
    }

    @Override
    public void close() {
        close(gradients);
    }

    private void close(@Nullable NodeGradients made) {
        if (made != null) {
            made.close();
        }
        if (owned) {
            forward.close();
        }
    }
}
