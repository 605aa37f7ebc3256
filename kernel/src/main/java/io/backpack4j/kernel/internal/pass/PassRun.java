package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Contraction;
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
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One pass: per stage and chunk a forward evaluation and, per block of columns, a walk back. Activations of a batch in one chunk serve all stages.
 * Belongs to one thread.
 */
public final class PassRun {

    private static final AccumulatorKey GRADIENT = new AccumulatorKey(1, new LossGradient(), new Contraction.Sum());

    private final PassLayout layout;
    private final Splitting splitting;
    private final Backend backend;
    private final PassInputs inputs;
    private final double normaliser;
    private final Products.Factory productFactory;
    private final TensorScope results;
    private final TensorScope partials;
    private final List<SiteState> sites = new ArrayList<>();
    private final HandOver handOver;
    private final Finish finish;
    private final BufferUpdates updates;
    private final GivenOperands operands;
    private final Map<LossSignal, Long> columns = new HashMap<>();
    private @Nullable Tensor output;
    private @Nullable Tensor lossPerSample;
    private @Nullable Products products;

    private PassRun(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            Products.Factory productFactory,
            ResultTaker taker) {
        this.productFactory = productFactory;
        this.layout = layout;
        this.splitting = splitting;
        this.backend = backend;
        this.inputs = inputs;
        this.results = backend.openScope();
        this.partials = backend.openScope();
        this.updates = new BufferUpdates(backend);
        this.normaliser = normaliser;
        this.operands = new GivenOperands(inputs.operands());
        this.handOver = new HandOver(layout, backend, normaliser, taker, operands);
        for (SiteLayout site : layout.sites()) {
            sites.add(new SiteState(
                    site, backend, partials, layout.dtype(), layout.samples(), key -> !handOver.takes(site, key)));
        }
        this.finish = new Finish(layout, backend, normaliser, sites, this::product, partials, handOver, operands);
    }

    /** The factor of the loss for a whole batch. */
    private static double normaliser(PassLayout layout, PassInputs inputs) {
        Shape whole = layout.graph().outputShape().prepend(layout.samples());
        return PluginCalls.call(
                Part.of(layout.loss()), "in its normaliser", () -> layout.loss().normaliser(whole, inputs.targets()));
    }

    /**
     * Runs a pass on a backend. The caller closes the results.
     *
     * @param taker gets the results that leave part by part, if the layout hands over
     */
    public static PassResults run(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            Products.Factory productFactory,
            ResultTaker taker) {
        PassRun run =
                new PassRun(layout, splitting, backend, inputs, normaliser(layout, inputs), productFactory, taker);
        boolean done = false;
        try {
            run.walk();
            PassResults results = run.finish();
            inputs.observer().made();
            done = true;
            return results;
        } finally {
            run.partials.close();
            if (!done) {
                run.closeProducts();
                run.updates.close();
                run.results.close();
            }
        }
    }

    /** Runs a pass with the factor 1 of the loss, and leaves its partial results as they are. The caller closes them. */
    public static PassPartials partials(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            Products.Factory productFactory) {
        double normaliser = normaliser(layout, inputs);
        PassRun run = new PassRun(layout, splitting, backend, inputs, 1, productFactory, HandOver.NOBODY);
        boolean done = false;
        try {
            run.walk();
            done = true;
            return new PassPartials(
                    run.partials,
                    run.results,
                    run.sites,
                    Objects.requireNonNull(run.output),
                    Objects.requireNonNull(run.lossPerSample),
                    normaliser);
        } finally {
            run.updates.close();
            if (!done) {
                run.partials.close();
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
                int currentStage = stage;
                boolean last = stage == layout.stages();
                long samples = layout.samples();
                if (layout.residual(stage).isPresent()) {
                    for (SiteState site : sites) {
                        site.clear(stage, new ResidualCurvature());
                    }
                }
                long size = splitting.chunkSamples();
                for (long part : splitting.parts(
                        splitting.chunkCount(samples),
                        chunk -> layout.kindOfChunk(chunk * size, Math.min(samples, (chunk + 1) * size)))) {
                    long from = part * size;
                    long to = Math.min(samples, from + size);
                    inputs.observer().chunk(stage, from, to);
                    ChunkForward chunk =
                            kept != null ? kept : new ChunkForward(layout, backend, inputs, from, to, normaliser);
                    kept = chunk;
                    if (stage == 1) {
                        keepOutputs(chunk, from, to);
                        if (layout.updatesBuffers() && to - from == samples) {
                            updates.collect(layout, chunk, inputs);
                        }
                    }
                    handOver.openChunk(stage, from, to);
                    new ChunkWalk(layout, splitting, backend, chunk, columns, visitor(stage)).walk(stage, last);
                    handOver.closeChunk(stage);
                    // Only a whole batch stays for the next stage.
                    if (last || to - from < samples) {
                        chunk.close();
                        kept = null;
                    }
                }
                sites.forEach(site -> site.complete(currentStage));
                if (!last) {
                    finish.fold(stage);
                }
                if (stage == 1 && !last) {
                    supply();
                }
            }
        } finally {
            handOver.discardChunk();
            if (kept != null) {
                kept.close();
            }
        }
    }

    /** Asks for the operands that are made of the gradient. */
    private void supply() {
        inputs.supplier().ifPresent(supplier -> {
            Map<String, Tensor> gradients = new TreeMap<>();
            for (SiteState site : sites) {
                Tensor sum = site.accumulator(GRADIENT).results().get(0);
                gradients.put(
                        site.layout().parameter(),
                        partials.view(sum, site.layout().shape()));
            }
            operands.add(supplier.supply(gradients, partials));
            layout.operands().require(operands.all(), backend, false);
        });
    }

    private BackwardSweep.SiteVisitor visitor(int stage) {
        return (site, signal, step, derivatives) -> visit(stage, site, signal.signal(), step, derivatives);
    }

    private void visit(int stage, SiteLayout layoutOfSite, Signal signal, Step step, ParameterDerivatives derivatives) {
        SiteState site = sites.get(layoutOfSite.index());
        try (TensorScope scope = backend.openScope()) {
            List<Accumulator.Pending> prepared = new ArrayList<>();
            for (Accumulator accumulator : site.accumulators(stage, signal, step.columns())) {
                accumulator
                        .prepare(scope, step, given(scope, site, accumulator.key()))
                        .ifPresent(prepared::add);
            }
            HandOver.StepParts parts =
                    handOver.isAt(layoutOfSite) ? handOver.step(layoutOfSite, stage, signal, step, scope) : null;
            if (parts != null) {
                parts.prepare(scope, prepared);
            }
            derivatives.execute(prepared.stream().map(Accumulator.Pending::task).toList());
            prepared.forEach(pending -> pending.afterwards().run());
            if (parts != null) {
                parts.finish();
            }
            for (SiteRequest request : layoutOfSite.requests()) {
                if (request.visits(stage, signal)) {
                    request.partials().forEach((name, key) -> {
                        if (key.signal().equals(signal)) {
                            site.partial(request, name, step.columns());
                        }
                    });
                    var visit =
                            new SiteVisitView(site, request, signal, step, derivatives, scope, operands, normaliser);
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

    /** What a contraction takes beside the gradients. */
    private Accumulator.Given given(TensorScope scope, SiteState site, AccumulatorKey key) {
        Contraction contraction = key.contraction();
        if (contraction.operand().isEmpty()) {
            return Accumulator.Given.NOTHING;
        }
        String parameter = site.layout().parameter();
        return new Accumulator.Given(
                operand(scope, site, contraction.operand().get()),
                Math.pow(normaliser, key.signal().degree()),
                contraction.takesValues() ? inputs.parameter(parameter) : null);
    }

    /** An operand that the run brought, or that the extension supplies that owns it. */
    private Tensor operand(TensorScope scope, SiteState site, Operand operand) {
        if (operand.isOfRun()) {
            return operands.of(operand.name(), site.layout().parameter());
        }
        for (SiteRequest request : site.layout().requests()) {
            Extension<?> extension = request.request().extension();
            if (extension.equals(operand.owner())) {
                return PluginCalls.call(
                        Part.of(extension),
                        "as it supplied '" + operand.name() + "'",
                        () -> extension.operand(operand.name(), finish.view(site, request, scope)));
            }
        }
        throw new IllegalStateException("Nobody owns " + operand);
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
        PassResults finished = new PassResults(
                results, loss, Optional.of(Objects.requireNonNull(output)), values, layout.statistics());
        finish.fold(layout.stages());
        finish.finish(finished, results);
        finished.closing(this::closeProducts);
        finished.updating(updates);
        return finished;
    }
}
