// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.NetworkProduct;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One pass: per stage and chunk a forward evaluation and, per block of columns, a walk back. Activations of a batch in
 * one chunk serve all stages. Belongs to one thread.
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
    private final PairSums sums;
    private final NodeSums nodes;
    private final HandOver handOver;
    private final Finish finish;
    private final SiteVisits visits;
    private final BufferUpdates updates;
    private final GivenOperands operands;
    private final UnitProducts unitProducts;
    private final SignalSources sources;
    private @Nullable Tensor output;
    private @Nullable Tensor lossPerSample;
    private @Nullable Products products;
    private @Nullable ChunkForward kept;

    private PassRun(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            Products.Factory productFactory,
            ResultTaker taker,
            boolean merged,
            boolean averages) {
        this.productFactory = productFactory;
        this.layout = layout;
        this.splitting = splitting;
        this.backend = backend;
        this.inputs = inputs;
        this.results = backend.openScope();
        this.partials = backend.openScope();
        this.updates = new BufferUpdates(backend);
        this.normaliser = normaliser;
        this.sums = new PairSums(backend, partials, layout.dtype(), inputs.observer());
        this.nodes = new NodeSums(layout, backend, partials);
        this.operands = new GivenOperands(inputs.operands());
        this.handOver = new HandOver(layout, backend, normaliser, taker, operands);
        for (SiteLayout site : layout.sites()) {
            sites.add(new SiteState(
                    site,
                    backend,
                    partials,
                    layout.dtype(),
                    layout.samples(),
                    key -> !handOver.takes(site, key),
                    merged,
                    averages));
        }
        Finish.Numbers numbers = new Finish.Numbers(
                normaliser,
                () -> meanNormaliser(layout, inputs),
                inputs.observer().isTrial());
        this.finish = new Finish(
                layout,
                backend,
                numbers,
                sites,
                sums,
                nodes,
                this::product,
                this::product,
                partials,
                handOver,
                operands);
        this.unitProducts = new UnitProducts(layout, splitting, backend, inputs, normaliser, productFactory, sites);
        this.visits = new SiteVisits(layout, backend, inputs, normaliser, sites, sums, handOver, finish, operands);
        this.sources = new SignalSources(layout.loss(), backend, finish::folded);
    }

    /** The factor of the loss for a whole batch. */
    private static double normaliser(PassLayout layout, PassInputs inputs) {
        Shape whole = layout.graph().outputShape().prepend(layout.samples());
        return PluginCalls.call(
                Part.of(layout.loss()), "in its normaliser", () -> layout.loss().normaliser(whole, inputs.targets()));
    }

    /** The factor that a mean would have. */
    private static double meanNormaliser(PassLayout layout, PassInputs inputs) {
        Shape whole = layout.graph().outputShape().prepend(layout.samples());
        return PluginCalls.call(
                Part.of(layout.loss()),
                "in its normaliser",
                () -> layout.loss().meanNormaliser(whole, inputs.targets()));
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
        // Plans say what sessions take, too: trials merge as these do, which takes more than what passes do without.
        boolean merged = inputs.observer().isTrial();
        PassRun run = new PassRun(
                layout, splitting, backend, inputs, normaliser(layout, inputs), productFactory, taker, merged, true);
        boolean done = false;
        try {
            run.walk();
            PassResults results = run.finish();
            inputs.observer().made();
            done = true;
            return results;
        } finally {
            run.closeKept();
            run.partials.close();
            if (!done) {
                run.closeProducts();
                run.updates.close();
                run.results.close();
            }
        }
    }

    /**
     * Runs a pass with the factor 1 of the loss, and leaves its partial results as they are. The caller closes them.
     */
    public static PassPartials partials(
            PassLayout layout,
            Splitting splitting,
            Backend backend,
            PassInputs inputs,
            Products.Factory productFactory) {
        double normaliser = normaliser(layout, inputs);
        PassRun run = new PassRun(layout, splitting, backend, inputs, 1, productFactory, HandOver.NOBODY, true, false);
        boolean done = false;
        try {
            run.walk();
            done = true;
            return new PassPartials(
                    run.partials,
                    run.results,
                    run.sites,
                    run.sums,
                    run.nodes,
                    Objects.requireNonNull(run.output),
                    Objects.requireNonNull(run.lossPerSample),
                    normaliser);
        } finally {
            run.closeKept();
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

    /** Gives back a batch that stayed evaluated, unless products took it over. */
    private void closeKept() {
        if (kept != null && products == null) {
            kept.close();
        }
    }

    private void walk() {
        boolean multiplies = !layout.matrices().isEmpty();
        try {
            for (int stage = 1; stage <= layout.stages(); stage++) {
                int currentStage = stage;
                boolean last = stage == layout.stages();
                if (layout.residual(stage).isPresent()) {
                    for (SiteState site : sites) {
                        site.clear(stage, new ResidualCurvature());
                    }
                }
                for (Samples part : chunks()) {
                    long from = part.from();
                    long to = part.to();
                    inputs.observer().chunk(stage, from, to);
                    ChunkForward present = kept;
                    ChunkForward chunk = present != null ? present : evaluated(stage, from, to);
                    kept = chunk;
                    boolean whole = to - from == layout.samples();
                    boolean hasDiagonals = stage == 1 && layout.hasDiagonals();
                    boolean done = last && !(whole && multiplies);
                    if (stage == 1) {
                        keepOutputs(chunk, from, to);
                        if (layout.updatesBuffers() && whole) {
                            updates.collect(layout, chunk, inputs);
                        }
                    }
                    handOver.openChunk(stage, from, to);
                    new ChunkWalk(layout, splitting, backend, chunk, sources, visits.of(stage))
                            .walk(stage, done && !hasDiagonals);
                    handOver.closeChunk(stage);
                    if (hasDiagonals) {
                        unitProducts.add(chunk);
                    }
                    // Only a whole batch stays for the next stage, and for products.
                    if (done || !whole) {
                        chunk.close();
                        kept = null;
                    }
                }
                sites.forEach(site -> site.complete(currentStage));
                nodes.complete();
                sums.complete(stage);
                if (splitting.chunkCount(layout.samples()) > 1
                        && !layout.waiting(stage).isEmpty()) {
                    walkAgain(stage);
                }
                if (!last) {
                    finish.fold(stage);
                }
                if (stage == 1 && !last) {
                    supply();
                }
            }
        } finally {
            handOver.discardChunk();
        }
    }

    /** Evaluates a chunk. Nodes are observed the first time. */
    private ChunkForward evaluated(int stage, long from, long to) {
        return stage == 1
                ? new ChunkForward(layout, backend, inputs, from, to, normaliser, nodes.reader(from))
                : new ChunkForward(layout, backend, inputs, from, to, normaliser);
    }

    /** Some neighbouring samples of the batch. */
    private record Samples(long from, long to) {}

    private List<Samples> chunks() {
        long samples = layout.samples();
        long size = splitting.chunkSamples();
        List<Samples> chunks = new ArrayList<>();
        for (long part : splitting.parts(
                splitting.chunkCount(samples),
                chunk -> layout.kindOfChunk(chunk * size, Math.min(samples, (chunk + 1) * size)))) {
            chunks.add(new Samples(part * size, Math.min(samples, (part + 1) * size)));
        }
        return chunks;
    }

    /** Walks all chunks once more, for what is made with results of the whole batch. */
    private void walkAgain(int stage) {
        for (Samples part : chunks()) {
            inputs.observer().chunk(stage, part.from(), part.to());
            ChunkForward chunk = new ChunkForward(layout, backend, inputs, part.from(), part.to(), normaliser);
            try {
                new ChunkWalk(layout, splitting, backend, chunk, sources, visits.ofWaiting(stage))
                        .walkAgain(layout.waiting(stage));
            } finally {
                chunk.close();
            }
        }
    }

    /** Asks for the operands that are made of the gradient. */
    private void supply() {
        inputs.supplier().ifPresent(supplier -> {
            Map<String, Tensor> gradients = new TreeMap<>();
            for (SiteState site : sites) {
                Tensor sum = site.accumulator(AccumulatorKey.GRADIENT).results().get(0);
                gradients.put(
                        site.layout().parameter(),
                        partials.view(sum, site.layout().shape()));
            }
            operands.add(supplier.supply(gradients, partials));
            layout.operands().require(operands.all(), backend, false);
        });
    }

    /** The products of all extensions come from one network that stays linearised. */
    private Products openProducts() {
        Products open = products;
        if (open == null) {
            open = productFactory.open(
                    layout, splitting, backend, inputs.keptIn(results), normaliser, layout.matrices(), kept);
            products = open;
        }
        return open;
    }

    private BlockProduct product(CurvatureMatrix matrix, SiteLayout site) {
        return openProducts().of(matrix, site);
    }

    private NetworkProduct product(CurvatureMatrix matrix) {
        return openProducts().ofNetwork(matrix);
    }

    private void keepOutputs(ChunkForward chunk, long from, long to) {
        Tensor values = chunk.loss().values();
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
                backend,
                results,
                loss,
                Optional.of(Objects.requireNonNull(output)),
                Optional.of(values),
                layout.statistics());
        finish.fold(layout.stages());
        finish.finish(finished, results);
        finished.closing(this::closeProducts);
        finished.updating(updates);
        return finished;
    }
}
