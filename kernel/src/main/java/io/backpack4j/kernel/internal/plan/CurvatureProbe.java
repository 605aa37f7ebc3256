// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.dryrun.DryRunBackend;
import io.backpack4j.kernel.internal.evaluation.NodeContext;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Asks the nodes of a graph whether they say what they add to the Hessian at their inputs, and whether that is nothing:
 * evaluated without numbers, once, when the first extension wants to know.
 */
final class CurvatureProbe {

    /** Statistics over a batch of one do not exist in train mode. */
    private static final int SAMPLES = 2;

    private final BoundGraph graph;
    private final DType dtype;
    private Above @Nullable [] above;

    /** What a node and all nodes that read it, directly or not, add to the Hessian at their inputs. */
    enum Above {
        /** One of them does not say. */
        UNKNOWN,
        /** All say, and one may add something. */
        KNOWN,
        /** All say that they add nothing. */
        ZERO;

        private Above and(Above other) {
            return compareTo(other) < 0 ? this : other;
        }
    }

    CurvatureProbe(BoundGraph graph, DType dtype) {
        this.graph = graph;
        this.dtype = dtype;
    }

    /** The curvature of all nodes between a parameter and the loss; unknown where an element has several uses. */
    Above above(List<BoundGraph.Use> uses) {
        if (BoundGraph.Use.areTied(uses)) {
            return Above.UNKNOWN;
        }
        Above[] known = above;
        if (known == null) {
            known = probed();
            above = known;
        }
        Above all = Above.ZERO;
        for (BoundGraph.Use use : uses) {
            all = all.and(known[use.node()]);
        }
        return all;
    }

    private Above[] probed() {
        Above[] all = new Above[graph.nodes().size()];
        Arrays.fill(all, Above.UNKNOWN);
        if (graph.nodes().stream().anyMatch(node -> node.declaration().couplesSamples())) {
            return all;
        }
        try (DryRunBackend dry = new DryRunBackend("probe");
                TensorScope scope = dry.openScope()) {
            PassInputs inputs = imitated(scope);
            List<Tensor> outputs = new ArrayList<>();
            for (BoundNode node : graph.nodes()) {
                var context = new NodeContext(
                        dry,
                        scope,
                        inputs.sampleIds(0, SAMPLES),
                        inputs.seed().stream("node:" + node.node().name()));
                List<Tensor> arguments = new ArrayList<>();
                for (BoundNode.Source source : node.inputs()) {
                    arguments.add(source.fromNode() ? outputs.get(source.index()) : input(inputs, source));
                }
                Evaluation evaluation = PluginCalls.call(
                        node.part(),
                        "in its forward pass",
                        () -> node.node().module().evaluate(context, arguments, inputs.parameters(node, scope)));
                outputs.add(PluginCalls.call(node.part(), "in its forward pass", evaluation::output));
                Shape cotangents = node.declaration().output().prepend(1, SAMPLES);
                Optional<Curvature> own = PluginCalls.call(
                        node.part(),
                        "in its curvature",
                        () -> evaluation.curvature(context, scope.allocate(cotangents, dtype)));
                all[node.index()] = own.map(found -> isZero(node, evaluation, found) ? Above.ZERO : Above.KNOWN)
                        .orElse(Above.UNKNOWN);
            }
        }
        for (int index = all.length - 1; index >= 0; index--) {
            for (BoundNode.Source source : graph.nodes().get(index).inputs()) {
                if (source.fromNode()) {
                    all[source.index()] = all[source.index()].and(all[index]);
                }
            }
        }
        return all;
    }

    /** A node that is not affine in its parameters adds to the Hessian by these: a pass that wants it refuses. */
    private static boolean isZero(BoundNode node, Evaluation evaluation, Curvature curvature) {
        boolean affine = node.declaration().parameters().isEmpty()
                || PluginCalls.call(node.part(), "in its curvature", evaluation::isAffineInParameters);
        return affine && curvature.columns() == 0;
    }

    private PassInputs imitated(TensorScope scope) {
        Map<String, Tensor> inputs = new HashMap<>();
        List<String> names = graph.graph().inputs();
        for (int input = 0; input < names.size(); input++) {
            Shape shape = graph.inputShapes().get(input).prepend(SAMPLES);
            inputs.put(names.get(input), scope.allocate(shape, type(input)));
        }
        Map<String, Tensor> parameters = new HashMap<>();
        graph.parameters()
                .forEach((name, spec) -> parameters.put(name, scope.allocate(spec.shape(), spec.dtype(dtype))));
        return new PassInputs(inputs, null, new long[SAMPLES], parameters::get, 0);
    }

    private Tensor input(PassInputs inputs, BoundNode.Source source) {
        return inputs.input(graph.graph().inputs().get(source.index()));
    }

    /** The type that the nodes take which read an input. */
    private DType type(int input) {
        for (BoundNode node : graph.nodes()) {
            for (int i = 0; i < node.inputs().size(); i++) {
                BoundNode.Source source = node.inputs().get(i);
                if (!source.fromNode()
                        && source.index() == input
                        && node.node().module().takesIntegers(i, node.inputs().size())) {
                    return DType.INT64;
                }
            }
        }
        return dtype;
    }
}
