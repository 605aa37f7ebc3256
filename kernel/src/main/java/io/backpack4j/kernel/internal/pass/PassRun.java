package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One pass: per stage and chunk a forward evaluation and, per block of columns, a walk back. Activations of a batch in one chunk serve all stages.
 * Belongs to one thread.
 */
public final class PassRun {

    private final PassLayout layout;
    private final Splitting splitting;
    private final Backend backend;
    private final PassInputs inputs;
    private final double normaliser;
    private final Products.Factory productFactory;
    private final TensorScope results;
    private final TensorScope partials;
    private final List<SiteState> sites = new ArrayList<>();
    private final Map<Request<?>, Map<String, Tensor>> folded = new HashMap<>();
    private final Map<LossSignal, Long> columns = new HashMap<>();
    private @Nullable Tensor output;
    private @Nullable Tensor lossPerSample;
    private @Nullable Products products;

    private PassRun(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            Products.Factory productFactory) {
        this.productFactory = productFactory;
        this.layout = layout;
        this.splitting = splitting;
        this.backend = backend;
        this.inputs = inputs;
        this.results = backend.openScope();
        this.partials = backend.openScope();
        Shape whole = layout.graph().outputShape().prepend(layout.samples());
        this.normaliser = PluginCalls.call(
                Part.of(layout.loss()), "in its normaliser", () -> layout.loss().normaliser(whole, inputs.targets()));
        for (SiteLayout site : layout.sites()) {
            sites.add(new SiteState(site, backend, partials, layout.dtype(), layout.samples()));
        }
    }

    /** Runs a pass on a backend. The caller closes the results. */
    public static PassResults run(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            Products.Factory productFactory) {
        PassRun run = new PassRun(layout, splitting, backend, inputs, productFactory);
        boolean done = false;
        try {
            run.walk();
            PassResults results = run.finish();
            done = true;
            return results;
        } finally {
            run.partials.close();
            if (!done) {
                run.closeProducts();
                run.results.close();
            }
        }
    }

    private void closeProducts() {
        if (products != null) {
            products.close();
        }
    }

    private void walk() {
        ChunkForward kept = null;
        try {
            for (int stage = 1; stage <= layout.stages(); stage++) {
                boolean last = stage == layout.stages();
                long samples = layout.samples();
                if (layout.residual(stage).isPresent()) {
                    for (SiteState site : sites) {
                        site.clear(stage, new ResidualCurvature());
                    }
                }
                for (long from = 0; from < samples; from += splitting.chunkSamples()) {
                    long to = Math.min(samples, from + splitting.chunkSamples());
                    inputs.observer().chunk(stage, from, to);
                    ChunkForward chunk =
                            kept != null ? kept : new ChunkForward(layout, backend, inputs, from, to, normaliser);
                    kept = chunk;
                    if (stage == 1) {
                        keepOutputs(chunk, from, to);
                    }
                    new ChunkWalk(layout, splitting, backend, chunk, columns, visitor(stage)).walk(stage, last);
                    // Only a whole batch stays for the next stage.
                    if (last || to - from < samples) {
                        chunk.close();
                        kept = null;
                    }
                }
                fold(stage);
            }
        } finally {
            if (kept != null) {
                kept.close();
            }
        }
    }

    private BackwardSweep.SiteVisitor visitor(int stage) {
        return (site, signal, step, derivatives) -> visit(stage, site, signal.signal(), step, derivatives);
    }

    private void visit(int stage, SiteLayout layoutOfSite, Signal signal, Step step, ParameterDerivatives derivatives) {
        SiteState site = sites.get(layoutOfSite.index());
        try (TensorScope scope = backend.openScope()) {
            List<ContractionTask> tasks = new ArrayList<>();
            List<Runnable> afterwards = new ArrayList<>();
            for (Accumulator accumulator : site.accumulators(stage, signal, step.columns())) {
                var pending = accumulator.prepare(scope, step, operand(scope, site, accumulator.key()));
                if (pending != null) {
                    tasks.add(pending.task());
                    afterwards.add(pending.afterwards());
                }
            }
            derivatives.execute(tasks);
            afterwards.forEach(Runnable::run);
            for (SiteRequest request : layoutOfSite.requests()) {
                if (request.visits(stage, signal)) {
                    request.partials().forEach((name, key) -> {
                        if (key.signal().equals(signal)) {
                            site.partial(request, name, step.columns());
                        }
                    });
                    var visit = new SiteVisitView(site, request, signal, step, derivatives, scope);
                    Extension<?> extension = request.request().extension();
                    PluginCalls.call(Part.of(extension), "as it looked at derivatives", () -> {
                        extension.extract(stage, visit);
                        return visit;
                    });
                    visit.finish();
                }
            }
        }
    }

    /** The operand of a contraction, supplied by the extension that owns it. */
    private @Nullable Tensor operand(TensorScope scope, SiteState site, AccumulatorKey key) {
        Operand operand;
        if (key.contraction() instanceof Contraction.Dot dot) {
            operand = dot.vectors();
        } else if (key.contraction() instanceof Contraction.WeightedSum weighted) {
            operand = weighted.weights();
        } else {
            return null;
        }
        for (SiteRequest request : site.layout().requests()) {
            Extension<?> extension = request.request().extension();
            if (extension.equals(operand.owner())) {
                return PluginCalls.call(
                        Part.of(extension),
                        "as it supplied '" + operand.name() + "'",
                        () -> extension.operand(operand.name(), view(site, request, scope)));
            }
        }
        throw new IllegalStateException("Nobody owns " + operand);
    }

    private SitePartialView view(SiteState site, SiteRequest request, TensorScope scope) {
        Map<String, Tensor> tensors = folded.getOrDefault(request.request(), Map.of());
        return new SitePartialView(site, request, layout.samples(), normaliser, tensors, this::product, backend, scope);
    }

    /** The products of all extensions come from one network that stays linearised. */
    private BlockProduct product(CurvatureMatrix matrix, SiteLayout site) {
        Products open = products;
        if (open == null) {
            open = productFactory.open(
                    layout, splitting, backend, inputs.keptIn(results), normaliser, layout.matrices());
            products = open;
        }
        return open.of(matrix, site);
    }

    private void fold(int stage) {
        for (Request<?> request : layout.requests()) {
            Extension<?> extension = request.extension();
            List<SitePartial> views = new ArrayList<>();
            for (SiteState site : sites) {
                requestAt(site, request).ifPresent(own -> views.add(view(site, own, partials)));
            }
            if (extension.stages() >= stage && !views.isEmpty()) {
                var partial = new NetworkPartialView(views, layout.samples(), layout.dtype(), backend, partials);
                Map<String, Tensor> tensors = new HashMap<>(folded.getOrDefault(request, Map.of()));
                tensors.putAll(
                        PluginCalls.call(Part.of(extension), "in its fold", () -> extension.fold(stage, partial)));
                folded.put(request, tensors);
            }
        }
    }

    private static Optional<SiteRequest> requestAt(SiteState site, Request<?> request) {
        return site.layout().requests().stream()
                .filter(own -> own.request().equals(request))
                .findFirst();
    }

    private void keepOutputs(ChunkForward chunk, long from, long to) {
        Tensor values = PluginCalls.call(
                Part.of(layout.loss()), "in its values", () -> chunk.loss().values());
        PluginCalls.check(Part.of(layout.loss()), "its values", values, Shape.of(to - from), layout.dtype());
        inputs.observer().evaluated(values, from);
        if (to - from == layout.samples()) {
            output = results.view(chunk.output(), chunk.output().shape());
            lossPerSample = results.adopt(values);
            return;
        }
        if (output == null || lossPerSample == null) {
            output = results.allocate(layout.graph().outputShape().prepend(layout.samples()), layout.dtype());
            lossPerSample = results.allocate(Shape.of(layout.samples()), layout.dtype());
        }
        try (TensorScope scope = backend.openScope()) {
            backend.elementwise().copy(chunk.output(), scope.rows(output, from, to));
            backend.elementwise().copy(values, scope.rows(lossPerSample, from, to));
        }
    }

    private PassResults finish() {
        Tensor values = Objects.requireNonNull(lossPerSample);
        Tensor loss = results.allocate(Shape.of(), layout.dtype());
        backend.reductions().reduce(Reduction.SUM, values, 0, 1, loss);
        backend.elementwise().affine(loss, normaliser, 0, loss);
        PassResults finished = new PassResults(results, loss, Objects.requireNonNull(output), values);
        AccumulatorKey gradient = new AccumulatorKey(1, new LossGradient(), new Contraction.Sum());
        for (SiteState site : sites) {
            Tensor sum = site.accumulator(gradient).results().get(0);
            finished.addGradient(
                    site.layout().parameter(), results.view(sum, site.layout().shape()));
        }
        for (Request<?> request : layout.requests()) {
            finish(request, finished);
        }
        finished.closing(this::closeProducts);
        return finished;
    }

    private <R> void finish(Request<R> request, PassResults finished) {
        Extension<R> extension = request.extension();
        Part part = Part.of(extension);
        for (SiteState site : sites) {
            Optional<SiteRequest> own = requestAt(site, request);
            if (own.isPresent()) {
                String parameter = site.layout().parameter();
                R result = PluginCalls.call(
                        part,
                        "when it finished '" + parameter + "'",
                        () -> extension.finish(view(site, own.get(), results)));
                Map<String, Tensor> exported =
                        PluginCalls.call(part, "when it named its results", () -> extension.export(result));
                finished.add(request, parameter, result, checked(part, exported));
            }
        }
        Map<String, Tensor> tensors = folded.getOrDefault(request, Map.of());
        Map<String, Tensor> exported =
                PluginCalls.call(part, "when it named its results", () -> extension.exportNetwork(tensors));
        finished.addNetwork(request, checked(part, exported));
    }

    /** Whether results have the planned shapes is seen when all are there. */
    private static Map<String, Tensor> checked(Part part, Map<String, Tensor> exported) {
        exported.forEach((suffix, tensor) ->
                PluginCalls.requireOpen(part, suffix.isEmpty() ? "a result" : "its result '" + suffix + "'", tensor));
        return exported;
    }
}
