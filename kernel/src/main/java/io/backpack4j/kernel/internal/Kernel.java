// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.internal.discovery.BackendSelector;
import io.backpack4j.kernel.internal.discovery.KernelSettings;
import io.backpack4j.kernel.internal.graph.BatchAssembler;
import io.backpack4j.kernel.internal.graph.Bindings;
import io.backpack4j.kernel.internal.graph.StoredModel;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.plan.BatchSignature;
import io.backpack4j.kernel.internal.plan.CompiledPlan;
import io.backpack4j.kernel.internal.plan.LinearizationPlan;
import io.backpack4j.kernel.internal.plan.PlanCache;
import io.backpack4j.kernel.internal.plan.Planner;
import io.backpack4j.kernel.internal.plan.PrecisionChecks;
import io.backpack4j.kernel.internal.plan.PredictionPlan;
import io.backpack4j.kernel.internal.session.AccumulatingSession;
import io.backpack4j.kernel.internal.session.SessionLayouts;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One loaded library behind the public API. */
public final class Kernel {

    private final Catalog catalog;
    private final BackendSelector selector;
    private final Planner planner;
    private final Bindings bindings;
    private final OptionalLong memoryBytes;
    private final long seed;
    private final PlanCache<PassKey, CompiledPlan> plans = new PlanCache<>();
    private final PlanCache<LinearizationKey, LinearizationPlan> linearizations = new PlanCache<>();
    private final PlanCache<PredictionKey, PredictionPlan> predictions = new PlanCache<>();
    private @Nullable Backend backend;
    private boolean closed;

    private record PassKey(BatchSignature batch, List<Request<?>> requests, PassOptions options) {}

    private record PredictionKey(Map<String, BatchSignature.Part> inputs, PassOptions options) {}

    private record LinearizationKey(BatchSignature batch, Set<CurvatureMatrix> matrices, PassOptions options) {}

    @Inject
    Kernel(Catalog catalog, BackendSelector selector, Planner planner, KernelSettings settings) {
        this.memoryBytes = settings.memoryBytes();
        this.seed = settings.seed();
        this.catalog = catalog;
        this.bindings = new Bindings(catalog::module);
        this.selector = selector;
        this.planner = planner;
    }

    public Catalog catalog() {
        return catalog;
    }

    /** The backend, opened once. */
    public synchronized Backend backend() {
        if (closed) {
            throw new BackpackException(
                    KernelProblems.CLOSED, "This loaded library was closed. Load another one with BackPack.create().");
        }
        if (backend == null) {
            backend = selector.open();
        }
        return backend;
    }

    public Model model(Graph graph, @Nullable Loss loss, DType dtype, List<Shape> inputShapes) {
        return new StoredModel(backend(), bindings.bind(graph, inputShapes), loss, dtype, seed);
    }

    public Map<String, ParameterSpec> parameters(Graph graph, List<Shape> inputShapes) {
        return bindings.bind(graph, inputShapes).parameters();
    }

    public BatchBuilder batch(DType dtype) {
        return new BatchAssembler(backend(), dtype);
    }

    public CompiledPlan plan(Model model, Batch batch, List<Request<?>> requests, PassOptions options) {
        PassOptions budgeted = budgeted(options);
        var key = new PassKey(BatchSignature.of(batch), requests, budgeted);
        return plans.get(model, key, () -> planner.plan(backend(), model, batch, requests, budgeted));
    }

    public void check(Model model, Batch batch, List<Request<?>> requests, PassOptions options) {
        planner.checked(backend(), model, batch, requests, budgeted(options));
    }

    public Prediction predict(Model model, Batch batch, PassOptions options, RunOptions run) {
        PassOptions budgeted = budgeted(options);
        PassOptions inMode = budgeted.modes().mode().isPresent() ? budgeted : budgeted.mode(Mode.EVAL);
        var key = new PredictionKey(BatchSignature.ofInputs(batch), inMode);
        return predictions
                .get(model, key, () -> planner.prediction(backend(), model, batch, inMode))
                .run(batch, run);
    }

    private PassOptions budgeted(PassOptions options) {
        return options.memoryBytes().isPresent() || memoryBytes.isEmpty()
                ? options
                : options.memory(memoryBytes.getAsLong());
    }

    public Session session(Model model, List<Request<?>> requests, SessionOptions options) {
        Problems problems = new Problems();
        if (options.pass().handsOver()) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "A session keeps its results, but its passes were to hand them over. Leave PassOptions.handingOver out.");
        }
        PrecisionChecks.report(backend(), model.dtype(), options.pass().precision(), problems);
        PassLayout layout = planner.sessionLayout(model, requests, options.pass(), problems);
        SessionLayouts layouts = SessionLayouts.of(
                layout, options, some -> planner.sessionLayout(model, some, options.pass(), new Problems()), problems);
        return new AccumulatingSession(
                backend(),
                model,
                layouts,
                options,
                (batch, seed, operands) ->
                        plan(model, batch, requests, options.pass()).partials(batch, seed, operands));
    }

    public Linearization linearize(
            Model model, Batch batch, Set<CurvatureMatrix> matrices, PassOptions options, long seed) {
        PassOptions budgeted = budgeted(options);
        var key = new LinearizationKey(BatchSignature.of(batch), matrices, budgeted);
        return linearizations
                .get(model, key, () -> planner.linearization(backend(), model, batch, matrices, budgeted))
                .run(batch, seed);
    }

    /** Closes the backend, if it was opened. */
    public synchronized void close() {
        closed = true;
        if (backend != null) {
            backend.close();
            backend = null;
        }
    }
}
