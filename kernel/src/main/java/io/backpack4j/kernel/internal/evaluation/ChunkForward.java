// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A chunk of a batch, evaluated: every node's evaluation for as long as the way back needs it, and the loss's. */
public final class ChunkForward implements AutoCloseable {

    private final PassLayout layout;
    private final Backend backend;
    private final long fromSample;
    private final long toSample;
    private final SampleIds samples;
    private final RandomKey seed;
    private final PassObserver observer;
    private final TensorScope inputScope;
    private final @Nullable TensorScope[] scopes;
    private final @Nullable Evaluation[] evaluations;
    private final Tensor output;
    private final LossEvaluation loss;
    private final NodeContext lossContext;

    /** Sees the output of a node while it is there, {@code [n, *out]}. */
    public interface OutputReader {
        void read(BoundNode node, Tensor output);
    }

    public ChunkForward(
            PassLayout layout, Backend backend, PassInputs inputs, long fromSample, long toSample, double normaliser) {
        this(layout, backend, inputs, fromSample, toSample, normaliser, (node, output) -> {});
    }

    /** @param reader sees the outputs of all nodes */
    public ChunkForward(
            PassLayout layout,
            Backend backend,
            PassInputs inputs,
            long fromSample,
            long toSample,
            double normaliser,
            OutputReader reader) {
        this.layout = layout;
        this.backend = backend;
        this.fromSample = fromSample;
        this.toSample = toSample;
        this.samples = inputs.sampleIds(fromSample, toSample);
        this.seed = inputs.seed();
        this.observer = inputs.observer();
        int count = layout.graph().nodes().size();
        this.scopes = new @Nullable TensorScope[count];
        this.evaluations = new @Nullable Evaluation[count];
        this.inputScope = backend.openScope();
        this.lossContext = new NodeContext(backend, inputScope, samples, seed.stream("loss"));
        boolean done = false;
        try {
            this.output = evaluate(inputs, reader);
            Tensor targets = inputScope.rows(inputs.targets(), fromSample, toSample);
            Part part = Part.of(layout.loss());
            LossEvaluation evaluated = PluginCalls.call(
                    part, "in its evaluation", () -> layout.loss().evaluate(lossContext, output, targets, normaliser));
            this.loss = new CheckedLoss(
                    evaluated, part, toSample - fromSample, layout.graph().outputShape(), layout.dtype());
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** The first sample of the batch that is in it. */
    public long fromSample() {
        return fromSample;
    }

    /** The sample behind the last. */
    public long toSample() {
        return toSample;
    }

    /** Observer of the pass. */
    public PassObserver observer() {
        return observer;
    }

    /** The network's output, {@code [n, *out]}. */
    public Tensor output() {
        return output;
    }

    /** The loss at this chunk, whose errors are reported as its own. */
    public LossEvaluation loss() {
        return loss;
    }

    /** Context of the loss. */
    public EvaluationContext lossContext() {
        return lossContext;
    }

    /** The same with another scope. */
    public EvaluationContext lossContext(TensorScope scope) {
        return new NodeContext(backend, scope, samples, lossContext.randomKey());
    }

    public Evaluation evaluation(BoundNode node) {
        Evaluation evaluation = evaluations[node.index()];
        if (evaluation == null) {
            throw new IllegalStateException("The evaluation of " + node.described() + " was given back too early");
        }
        return evaluation;
    }

    public EvaluationContext context(BoundNode node, TensorScope scope) {
        return new NodeContext(
                backend, scope, samples, seed.stream("node:" + node.node().name()));
    }

    /** Gives a node's memory back before the chunk is done. */
    public void release(BoundNode node) {
        TensorScope scope = scopes[node.index()];
        if (scope != null) {
            scope.close();
            scopes[node.index()] = null;
            evaluations[node.index()] = null;
        }
    }

    private Tensor evaluate(PassInputs inputs, OutputReader reader) {
        List<Tensor> graphInputs = new ArrayList<>();
        for (String name : layout.graph().graph().inputs()) {
            graphInputs.add(inputScope.rows(inputs.input(name), fromSample, toSample));
        }
        List<Tensor> outputs = new ArrayList<>();
        for (BoundNode node : layout.graph().nodes()) {
            List<Tensor> arguments = new ArrayList<>();
            for (BoundNode.Source source : node.inputs()) {
                arguments.add((source.fromNode() ? outputs : graphInputs).get(source.index()));
            }
            observer.forward(node);
            Tensor evaluated = evaluate(node, arguments, inputs, toSample - fromSample);
            observer.evaluated(node, evaluated, fromSample);
            reader.read(node, evaluated);
            outputs.add(evaluated);
            for (int released : layout.releasedAfter(node.index())) {
                outputs.get(released).close();
            }
        }
        return outputs.get(layout.graph().output());
    }

    private Tensor evaluate(BoundNode node, List<Tensor> arguments, PassInputs inputs, long count) {
        TensorScope scope = backend.openScope();
        scopes[node.index()] = scope;
        Map<String, Tensor> parameters = inputs.parameters(node, scope);
        Evaluation evaluation = PluginCalls.call(
                node.part(),
                "in its forward pass",
                () -> node.node().module().evaluate(context(node, scope), arguments, parameters));
        evaluations[node.index()] = evaluation;
        Tensor output = PluginCalls.call(node.part(), "in its forward pass", evaluation::output);
        Shape expected = node.declaration().output().prepend(count);
        return PluginCalls.check(node.part(), "its output", output, expected, layout.dtype());
    }

    @Override
    public void close() {
        for (TensorScope scope : scopes) {
            if (scope != null) {
                scope.close();
            }
        }
        inputScope.close();
    }
}
