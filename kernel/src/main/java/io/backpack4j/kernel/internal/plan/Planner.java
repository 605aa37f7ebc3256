// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.cost.SpeedCache;
import io.backpack4j.kernel.internal.discovery.PluginCatalog;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.graph.StoredModel;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Checks that model, batch and requests fit together, and finds a splitting that fits the memory budget. */
public final class Planner {

    /** Positions in a batch whose size is not known yet are below it. */
    private static final long ANY_SAMPLES = 1L << 31;

    private final PluginCatalog catalog;
    private final SpeedCache speeds = new SpeedCache();

    @Inject
    Planner(PluginCatalog catalog) {
        this.catalog = catalog;
    }

    /**
     * Plans a pass.
     *
     * @throws BackpackException with everything that does not fit
     */
    public CompiledPlan plan(
            Backend backend, Model model, Batch batch, List<Request<?>> requests, PassOptions options) {
        PassLayout layout = checked(backend, model, batch, requests, options);
        BoundGraph graph = layout.graph();
        Shape output = graph.outputShape().prepend(batch.samples());
        PassLayout updating = options.modes().updatesBuffers() ? layout.updatingBuffers() : layout;
        PassLayout precise = updating.with(options.precision());
        PassLayout planned = options.handsOver() ? precise.handingOver() : precise;
        if (options.memoryBytes().isPresent()) {
            TargetChecks.require(model.loss(), output, batch);
        }
        Rehearsal rehearsal = new PassRehearsal(planned, options.nanPolicy());
        TrialOutcome outcome = tried(backend, graph, planned.splitsSamples(), model, batch, options, rehearsal);
        return new CompiledPlan(backend, model, planned, output, BatchSignature.of(batch), outcome, options, speeds);
    }

    /**
     * Lays out a pass.
     *
     * @throws BackpackException with everything that does not fit together, whatever memory there is
     */
    public PassLayout checked(
            Backend backend, Model model, Batch batch, List<Request<?>> requests, PassOptions options) {
        BoundGraph graph = graph(model, batch, requests, options);
        Problems problems = new Problems();
        checkTypes(graph, model, batch, problems);
        Shape output = graph.outputShape().prepend(batch.samples());
        problems.collect(() -> model.loss()
                .validate(output, batch.targets().shape(), batch.targets().dtype()));
        PassLayout layout =
                LayoutBuilder.build(graph, model.loss(), model.dtype(), batch.samples(), requests, problems);
        PrecisionChecks.report(backend, model.dtype(), options.precision(), problems);
        ProductChecks.report(graph, layout.matrices(), problems);
        ProductChecks.report(graph, layout.matricesOfDiagonals(), problems);
        ChainChecks.report(layout, options, problems);
        checkChunks(graph, layout, batch.samples(), options, problems);
        problems.throwIfAny();
        return layout;
    }

    /**
     * Lays out what a session over batches of any size accumulates. Sites and requests are those of every batch's own
     * plan; no batch is planned here.
     *
     * @param problems gets everything that does not fit
     */
    public PassLayout sessionLayout(Model model, List<Request<?>> requests, PassOptions options, Problems problems) {
        BoundGraph graph = bind(model, model.inputShapes(), options);
        return LayoutBuilder.build(graph, model.loss(), model.dtype(), ANY_SAMPLES, requests, problems);
    }

    /**
     * Plans a linearisation.
     *
     * @throws BackpackException with everything that does not fit
     */
    public LinearizationPlan linearization(
            Backend backend, Model model, Batch batch, Set<CurvatureMatrix> matrices, PassOptions options) {
        BoundGraph graph = bind(model, batch, options).fused(catalog.fusions());
        Problems problems = new Problems();
        checkTypes(graph, model, batch, problems);
        Shape output = graph.outputShape().prepend(batch.samples());
        problems.collect(() -> model.loss()
                .validate(output, batch.targets().shape(), batch.targets().dtype()));
        PassLayout layout =
                LayoutBuilder.build(graph, model.loss(), model.dtype(), batch.samples(), List.of(), problems);
        if (layout.sites().isEmpty()) {
            problems.add(KernelProblems.NO_PARAMETERS, "The model has no trained parameters to linearise by.");
        }
        ProductChecks.report(graph, matrices, problems);
        GaussNewtonChecks.reportMatrices(model.loss(), matrices, problems);
        checkChunks(graph, layout, batch.samples(), options, problems);
        problems.throwIfAny();
        if (options.memoryBytes().isPresent()) {
            TargetChecks.require(model.loss(), output, batch);
        }
        Rehearsal rehearsal = new LinearizationRehearsal(layout, matrices);
        TrialOutcome outcome = tried(backend, graph, layout.splitsSamples(), model, batch, options, rehearsal);
        return new LinearizationPlan(backend, model, layout, outcome.splitting(), output, matrices);
    }

    /**
     * Plans a prediction.
     *
     * @throws BackpackException with everything that does not fit
     */
    public PredictionPlan prediction(Backend backend, Model model, Batch batch, PassOptions options) {
        BoundGraph graph = bind(model, batch, options).fused(catalog.fusions());
        Problems problems = new Problems();
        checkTypes(graph, model, batch, problems);
        boolean splits =
                graph.nodes().stream().noneMatch(node -> node.declaration().needsWholeBatch());
        if (!splits && options.chunkSamples().orElse(batch.samples()) < batch.samples()) {
            problems.add(
                    CommonProblems.NOT_MERGEABLE,
                    "Chunks of %d of %d samples were asked for, but a module mixes samples. Take the batch as a whole, or its eval mode."
                            .formatted(options.chunkSamples().getAsLong(), batch.samples()));
        }
        problems.throwIfAny();
        // There are no columns.
        PassOptions forward = options.block(1);
        Rehearsal rehearsal = new PredictionRehearsal(graph, model.dtype());
        TrialOutcome outcome = tried(backend, graph, splits, model, batch, forward, rehearsal);
        return new PredictionPlan(backend, model, graph, outcome.splitting(), outcome.peakBytes(), options);
    }

    private static TrialOutcome tried(
            Backend backend,
            BoundGraph graph,
            boolean splitsSamples,
            Model model,
            Batch batch,
            PassOptions options,
            Rehearsal rehearsal) {
        PlanTrial trial = new PlanTrial(backend, splitsSamples, graph, model, batch, rehearsal);
        return new SplittingSearch(trial, options).find();
    }

    /**
     * Joins chains of nodes, unless something is averaged over the samples, which depends on what the nodes are.
     */
    private BoundGraph graph(Model model, Batch batch, List<Request<?>> requests, PassOptions options) {
        BoundGraph written = bind(model, batch, options);
        BoundGraph fused = written.fused(catalog.fusions());
        if (fused.nodes().size() == written.nodes().size()) {
            return fused;
        }
        PassLayout layout =
                LayoutBuilder.build(written, model.loss(), model.dtype(), batch.samples(), requests, new Problems());
        return ChainChecks.averaging(written, layout.sites()).isEmpty() ? fused : written;
    }

    private BoundGraph bind(Model model, Batch batch, PassOptions options) {
        List<Shape> shapes = new ArrayList<>();
        for (String name : model.graph().inputs()) {
            shapes.add(input(batch, name).shape().dropFirst(1));
        }
        return bind(model, shapes, options);
    }

    /** A model's own binding serves all passes over samples of its shapes, unless they put modules into other modes. */
    private BoundGraph bind(Model model, List<Shape> inputShapes, PassOptions options) {
        if (model instanceof StoredModel stored
                && stored.inputShapes().equals(inputShapes)
                && NodeModes.changeNothing(options.modes())) {
            return stored.bound();
        }
        Graph graph = model.graph();
        NodeModes modes = new NodeModes(options.modes());
        BoundGraph bound = BoundGraph.bind(graph, inputShapes, catalog::module, modes::applied);
        modes.requireMatches(graph);
        return bound;
    }

    private static Tensor input(Batch batch, String name) {
        Tensor input = batch.inputs().get(name);
        if (input == null) {
            throw new BackpackException(
                    KernelProblems.MISSING_INPUT,
                    "The model's input '%s' is not in the batch. The batch has: %s."
                            .formatted(
                                    name,
                                    batch.inputs().keySet().stream().sorted().toList()));
        }
        return input;
    }

    private static void checkTypes(BoundGraph graph, Model model, Batch batch, Problems problems) {
        for (BoundNode node : graph.nodes()) {
            for (int i = 0; i < node.inputs().size(); i++) {
                BoundNode.Source source = node.inputs().get(i);
                boolean wantsIntegers =
                        node.node().module().takesIntegers(i, node.inputs().size());
                DType actual = source.fromNode()
                        ? model.dtype()
                        : input(batch, graph.graph().inputs().get(source.index()))
                                .dtype();
                DType expected = wantsIntegers ? DType.INT64 : model.dtype();
                if (actual != expected && !node.node().module().takesAnyType(i)) {
                    problems.add(
                            CommonProblems.WRONG_TYPE,
                            "Input %d of %s has type %s, but must be %s."
                                    .formatted(i, node.described(), actual, expected));
                }
            }
        }
        graph.parameters().forEach((name, spec) -> {
            Shape stored = model.parameters().spec(name).shape();
            if (!stored.equals(spec.shape())) {
                problems.add(
                        CommonProblems.SHAPE_MISMATCH,
                        "Parameter '%s' needs shape %s for this batch, but the model's has %s."
                                .formatted(name, spec.shape(), stored));
            }
        });
    }

    private static void checkChunks(
            BoundGraph graph, PassLayout layout, long samples, PassOptions options, Problems problems) {
        long chunk = options.chunkSamples().orElse(samples);
        if (chunk >= samples) {
            return;
        }
        Set<String> averaging = ChainChecks.averaging(graph, layout.sites());
        if (!averaging.isEmpty()) {
            problems.add(
                    CommonProblems.NOT_MERGEABLE,
                    "Chunks of %d of %d samples were asked for, but %s averages over the whole batch at every node. Take the batch as a whole."
                            .formatted(chunk, samples, String.join(" and ", averaging)));
        } else if (!layout.splitsSamples()) {
            problems.add(
                    CommonProblems.NOT_MERGEABLE,
                    "Chunks of %d of %d samples were asked for, but a result does not merge, or a module mixes samples. Take the batch as a whole."
                            .formatted(chunk, samples));
        }
    }
}
