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

    /** Sees outputs of nodes, as they are written, while they are there. */
    public interface OutputReader {

        /** Sees none. */
        OutputReader NONE = new OutputReader() {
            @Override
            public boolean wants(BoundNode node) {
                return false;
            }

            @Override
            public void read(BoundNode node, Tensor output) {}
        };

        /** Whether it wants to see a node's output. */
        boolean wants(BoundNode node);

        /** Sees the output of a node that it wants to see, {@code [n, *out]}. */
        void read(BoundNode node, Tensor output);
    }

    public ChunkForward(
            PassLayout layout, Backend backend, PassInputs inputs, long fromSample, long toSample, double normaliser) {
        this(layout, backend, inputs, fromSample, toSample, normaliser, OutputReader.NONE);
    }

    /** @param reader sees the outputs of nodes */
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
            read(node, arguments, evaluated, inputs, reader);
            outputs.add(evaluated);
            for (int released : layout.releasedAfter(node.index())) {
                outputs.get(released).close();
            }
        }
        return outputs.get(layout.graph().output());
    }

    /**
     * Shows a node's output, or those of the nodes that it stands for. What lies within a chain is evaluated for the
     * reader alone, and let go of: that is once per sample, while cotangents pass a chain as one for every column.
     */
    private void read(
            BoundNode node, List<Tensor> arguments, Tensor evaluated, PassInputs inputs, OutputReader reader) {
        List<BoundNode> written = node.written();
        int last = written.size() - 1;
        int within = last;
        while (within > 0 && !reader.wants(written.get(within - 1))) {
            within--;
        }
        if (within > 0) {
            readWithin(written.subList(0, within), arguments, inputs, reader);
        }
        if (reader.wants(written.get(last))) {
            reader.read(written.get(last), evaluated);
        }
    }

    private void readWithin(List<BoundNode> chain, List<Tensor> arguments, PassInputs inputs, OutputReader reader) {
        try (TensorScope scope = backend.openScope()) {
            List<Tensor> below = arguments;
            for (BoundNode inner : chain) {
                Tensor output = output(inner, evaluation(inner, scope, below, inputs), toSample - fromSample);
                if (reader.wants(inner)) {
                    reader.read(inner, output);
                }
                below = List.of(output);
            }
        }
    }

    private Tensor evaluate(BoundNode node, List<Tensor> arguments, PassInputs inputs, long count) {
        TensorScope scope = backend.openScope();
        scopes[node.index()] = scope;
        Evaluation evaluation = evaluation(node, scope, arguments, inputs);
        evaluations[node.index()] = evaluation;
        return output(node, evaluation, count);
    }

    private Evaluation evaluation(BoundNode node, TensorScope scope, List<Tensor> arguments, PassInputs inputs) {
        Map<String, Tensor> parameters = inputs.parameters(node, scope);
        return PluginCalls.call(
                node.part(),
                "in its forward pass",
                () -> node.node().module().evaluate(context(node, scope), arguments, parameters));
    }

    private Tensor output(BoundNode node, Evaluation evaluation, long count) {
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
