// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SignalLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/** Work at a site that opens: contractions are executed, and extensions look at derivatives. Belongs to one pass. */
final class SiteVisits {

    private final PassLayout layout;
    private final Backend backend;
    private final PassInputs inputs;
    private final double normaliser;
    private final List<SiteState> sites;
    private final PairSums sums;
    private final HandOver handOver;
    private final Finish finish;
    private final GivenOperands operands;

    SiteVisits(
            PassLayout layout,
            Backend backend,
            PassInputs inputs,
            double normaliser,
            List<SiteState> sites,
            PairSums sums,
            HandOver handOver,
            Finish finish,
            GivenOperands operands) {
        this.layout = layout;
        this.backend = backend;
        this.inputs = inputs;
        this.normaliser = normaliser;
        this.sites = sites;
        this.sums = sums;
        this.handOver = handOver;
        this.finish = finish;
        this.operands = operands;
    }

    /** Makes all that belongs to a stage's first walk. */
    BlockWalk.SiteVisitor of(int stage) {
        return new BlockWalk.SiteVisitor() {
            @Override
            public void visit(SiteLayout site, SignalLayout signal, Step step, ParameterDerivatives derivatives) {
                SiteVisits.this.visit(stage, site, signal.signal(), step, derivatives);
            }

            @Override
            public void meet(SiteLayout site, PairSums.Waiting left, PairSums.Waiting right) {
                for (GroupKey group : layout.pairs().at(site)) {
                    PairKey pair = group.pair();
                    boolean wanted = pair.stage() == stage
                            && pair.left().equals(left.signal())
                            && pair.right().equals(right.signal());
                    if (wanted) {
                        sums.add(group, left, right);
                    }
                }
            }
        };
    }

    /** Makes, in a stage's second walk, what needs results of the whole batch. */
    BlockWalk.SiteVisitor ofWaiting(int stage) {
        return (site, signal, step, derivatives) -> visitAgain(stage, site, signal.signal(), step, derivatives);
    }

    private void visitAgain(
            int stage, SiteLayout layoutOfSite, Signal signal, Step step, ParameterDerivatives derivatives) {
        SiteState site = sites.get(layoutOfSite.index());
        try (TensorScope scope = backend.openScope()) {
            List<Accumulator.Pending> prepared = new ArrayList<>();
            for (Accumulator accumulator : site.accumulators(stage, signal, step)) {
                if (layoutOfSite.waits(accumulator.key())) {
                    Tensor ofBatch = ofBatch(site, accumulator.key());
                    accumulator
                            .prepare(scope, step, new Accumulator.Given(ofBatch, 1, null))
                            .ifPresent(prepared::add);
                }
            }
            derivatives.execute(tasks(prepared));
            prepared.forEach(pending -> pending.afterwards().run());
        }
    }

    private static List<ContractionTask> tasks(List<Accumulator.Pending> prepared) {
        List<ContractionTask> tasks = new ArrayList<>(prepared.size());
        for (Accumulator.Pending pending : prepared) {
            tasks.add(pending.task());
        }
        return tasks;
    }

    private static Tensor ofBatch(SiteState site, AccumulatorKey key) {
        return site.accumulator(site.layout().ofBatch(key)).results().get(0);
    }

    private void visit(int stage, SiteLayout layoutOfSite, Signal signal, Step step, ParameterDerivatives derivatives) {
        SiteState site = sites.get(layoutOfSite.index());
        try (TensorScope scope = backend.openScope()) {
            List<Accumulator.Pending> prepared = new ArrayList<>();
            for (Accumulator accumulator : site.accumulators(stage, signal, step)) {
                AccumulatorKey key = accumulator.key();
                if (step.wholeBatch() || !layoutOfSite.waits(key)) {
                    accumulator.prepare(scope, step, given(scope, site, key)).ifPresent(prepared::add);
                }
            }
            HandOver.StepParts parts =
                    handOver.isAt(layoutOfSite) ? handOver.step(layoutOfSite, stage, signal, step, scope) : null;
            if (parts != null) {
                parts.prepare(scope, prepared);
            }
            derivatives.execute(tasks(prepared));
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

    /**
     * Collects what a contraction takes beside the gradients: what an earlier stage knows of the batch, what a run
     * brought, or what an extension supplies.
     */
    private Accumulator.Given given(TensorScope scope, SiteState site, AccumulatorKey key) {
        if (key.isOfBatch() && !site.layout().waits(key)) {
            return new Accumulator.Given(ofBatch(site, key), 1, null);
        }
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
}
