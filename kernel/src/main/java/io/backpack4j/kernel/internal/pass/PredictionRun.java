// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.NodeContext;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.evaluation.SampleIds;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Evaluates a network forward, chunk by chunk. What a node keeps for the way back goes at once, and an output once all
 * that read it have.
 */
public final class PredictionRun {

    private final BoundGraph graph;
    private final DType dtype;
    private final Backend backend;
    private final PassInputs inputs;
    private final int[] lastReader;

    private PredictionRun(BoundGraph graph, DType dtype, Backend backend, PassInputs inputs) {
        this.graph = graph;
        this.dtype = dtype;
        this.backend = backend;
        this.inputs = inputs;
        this.lastReader = new int[graph.nodes().size()];
        for (BoundNode node : graph.nodes()) {
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode()) {
                    lastReader[source.index()] = node.index();
                }
            }
        }
        lastReader[graph.output()] = Integer.MAX_VALUE;
    }

    /** Runs it. The caller closes what comes back. */
    public static Prediction run(
            BoundGraph graph, DType dtype, Splitting splitting, Backend backend, PassInputs inputs) {
        PredictionRun run = new PredictionRun(graph, dtype, backend, inputs);
        TensorScope results = backend.openScope();
        boolean done = false;
        try {
            Prediction prediction = new Output(results, run.evaluate(splitting, results));
            done = true;
            return prediction;
        } finally {
            if (!done) {
                results.close();
            }
        }
    }

    private record Output(TensorScope scope, Tensor output) implements Prediction {
        @Override
        public void close() {
            scope.close();
        }
    }

    private Tensor evaluate(Splitting splitting, TensorScope results) {
        long samples = inputs.sampleIds().length;
        long size = splitting.chunkSamples();
        Tensor whole = null;
        for (long part : splitting.chunks(samples)) {
            long from = part * size;
            long to = Math.min(samples, from + size);
            inputs.observer().chunk(1, from, to);
            try (TensorScope chunk = backend.openScope()) {
                Tensor output = evaluate(chunk, from, to);
                if (to - from == samples) {
                    return results.view(output, output.shape());
                }
                if (whole == null) {
                    whole = results.allocate(graph.outputShape().prepend(samples), dtype);
                }
                backend.elementwise().copy(output, chunk.rows(whole, from, to));
            }
        }
        return Objects.requireNonNull(whole);
    }

    private Tensor evaluate(TensorScope chunk, long from, long to) {
        List<Tensor> graphInputs = new ArrayList<>();
        for (String name : graph.graph().inputs()) {
            graphInputs.add(chunk.rows(inputs.input(name), from, to));
        }
        SampleIds samples = inputs.sampleIds(from, to);
        List<Tensor> outputs = new ArrayList<>();
        for (BoundNode node : graph.nodes()) {
            List<Tensor> arguments = new ArrayList<>();
            for (BoundNode.Source source : node.inputs()) {
                arguments.add(source.fromNode() ? outputs.get(source.index()) : graphInputs.get(source.index()));
            }
            inputs.observer().forward(node);
            Tensor output = evaluate(chunk, node, arguments, samples);
            inputs.observer().evaluated(node, output, from);
            outputs.add(output);
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode() && lastReader[source.index()] == node.index()) {
                    outputs.get(source.index()).close();
                }
            }
        }
        return outputs.get(graph.output());
    }

    /** The node's output by a handle of the chunk's; all else that its evaluation has made goes. */
    private Tensor evaluate(TensorScope chunk, BoundNode node, List<Tensor> arguments, SampleIds samples) {
        Shape expected = node.declaration().output().prepend(samples.ids().length);
        try (TensorScope scope = backend.openScope()) {
            Map<String, Tensor> parameters = inputs.parameters(node, scope);
            var context = new NodeContext(
                    backend,
                    scope,
                    samples,
                    inputs.seed().stream("node:" + node.node().name()));
            Tensor output = PluginCalls.call(
                    node.part(),
                    "in its forward pass",
                    () -> node.node()
                            .module()
                            .evaluate(context, arguments, parameters)
                            .output());
            PluginCalls.check(node.part(), "its output", output, expected, dtype);
            return chunk.view(output, output.shape());
        }
    }
}
