// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.evaluation.Cotangents;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SignalLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteUse;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/**
 * Walks one block of columns of some signals from the loss to the first node that matters, visiting sites on the way.
 */
final class BlockWalk implements AutoCloseable {

    private final PassLayout layout;
    private final int stage;
    private final Backend backend;
    private final ChunkForward forward;
    private final SignalSources sources;
    private final SiteVisitor visitor;
    private final PendingCurvature curvature;
    private final KeptBlocks earlier;
    private final List<Lane> lanes = new ArrayList<>();
    /** Scopes of pullbacks that are still needed. */
    private final List<TensorScope> kept = new ArrayList<>();
    /** Scopes among these whose derivatives wait for other signals at the node where the walk is. */
    private final List<TensorScope> waitingScopes = new ArrayList<>();

    private final Map<SiteLayout, List<PairSums.Waiting>> waiting = new LinkedHashMap<>();

    /** Visitor of sites that open. */
    interface SiteVisitor {
        void visit(SiteLayout site, SignalLayout signal, Step step, ParameterDerivatives derivatives);

        /** Columns of two signals, or of one, meet for the first time. */
        default void meet(SiteLayout site, PairSums.Waiting left, PairSums.Waiting right) {
            throw new IllegalStateException("Nothing meets at " + site.parameter());
        }
    }

    /** One signal on its way; columns that pass again are there for others to meet only. */
    private record Lane(
            SignalLayout signal,
            Step step,
            boolean repeated,
            Cotangents cotangents,
            Map<SiteLayout, List<Arrived>> pending) {}

    /** The derivatives of one of several uses of a parameter. */
    private record Arrived(SiteUse use, ParameterDerivatives derivatives) {}

    /**
     * Starts with no columns.
     *
     * @param curvature sees the loss gradient at every node that it passes
     * @param earlier blocks that earlier walks left at sites, for those of this walk to meet
     */
    BlockWalk(
            PassLayout layout,
            int stage,
            Backend backend,
            ChunkForward forward,
            SignalSources sources,
            SiteVisitor visitor,
            PendingCurvature curvature,
            KeptBlocks earlier) {
        this.layout = layout;
        this.stage = stage;
        this.backend = backend;
        this.forward = forward;
        this.sources = sources;
        this.visitor = visitor;
        this.curvature = curvature;
        this.earlier = earlier;
    }

    /**
     * Sends columns of a signal along from the loss.
     *
     * @param repeated whether they have passed before
     */
    void send(SignalLayout signal, Step step, boolean repeated) {
        Shape out = layout.graph().outputShape();
        Part part = Part.of(signal.source(), layout.loss());
        Tensor seed = PluginCalls.call(part, "at the loss", () -> sources.seed(signal, forward, step));
        PluginCalls.check(
                part,
                "its columns",
                seed,
                out.prepend(step.block().columns(), step.block().samples()),
                layout.dtype());
        lane(signal, step, repeated).add(layout.graph().output(), seed);
    }

    /** Sends columns along from the inputs of a node. */
    void send(SignalLayout signal, BoundNode node, List<Tensor> columns, Step step) {
        Cotangents cotangents = lane(signal, step, false);
        for (int input = 0; input < columns.size(); input++) {
            BoundNode.Source source = node.inputs().get(input);
            if (source.fromNode() && signal.reaches()[source.index()]) {
                cotangents.add(source.index(), columns.get(input));
            }
        }
    }

    private Cotangents lane(SignalLayout signal, Step step, boolean repeated) {
        Cotangents cotangents = new Cotangents(backend, layout.graph().nodes().size());
        lanes.add(new Lane(signal, step, repeated, cotangents, new HashMap<>()));
        return cotangents;
    }

    /**
     * Walks.
     *
     * @param releases whether the evaluation of a node is not needed any more once the walk was there
     */
    void walk(IntPredicate releases) {
        List<BoundNode> nodes = layout.graph().nodes();
        for (int index = nodes.size() - 1; index >= 0; index--) {
            BoundNode node = nodes.get(index);
            for (Lane lane : lanes) {
                if (lane.signal().reaches()[index]) {
                    step(node, lane, layout.precision(lane.signal().signal()));
                }
            }
            meet(node);
            // A tied parameter that waits for another use still needs what nodes below keep.
            if (releases.test(index) && !isPending()) {
                forward.release(node);
            }
        }
    }

    private boolean isPending() {
        for (Lane lane : lanes) {
            if (!lane.pending().isEmpty()) {
                return true;
            }
        }
        return false;
    }

    /** Lets the columns of all signals meet that wait at the sites of a node. */
    private void meet(BoundNode node) {
        if (waiting.isEmpty()) {
            return;
        }
        waiting.forEach((site, here) -> {
            for (PairSums.Waiting left : here) {
                for (PairSums.Waiting right : here) {
                    if (left.meets(right)) {
                        meet(node, site, left, right);
                    }
                }
                for (PairSums.Waiting right : earlier.at(site, left.signal())) {
                    meet(node, site, left, right);
                    meet(node, site, right, left);
                }
            }
            here.forEach(passing -> earlier.keep(site, passing));
        });
        waiting.clear();
        waitingScopes.forEach(TensorScope::close);
        kept.removeAll(waitingScopes);
        waitingScopes.clear();
    }

    private void meet(BoundNode node, SiteLayout site, PairSums.Waiting left, PairSums.Waiting right) {
        PluginCalls.call(node.part(), "in the derivatives of '" + site.parameter() + "'", () -> {
            visitor.meet(site, left, right);
            return site;
        });
    }

    private void step(BoundNode node, Lane lane, Precision precision) {
        if (precision == Precision.FULL) {
            step(node, lane);
            return;
        }
        backend.in(precision, () -> {
            step(node, lane);
            return lane;
        });
    }

    private void step(BoundNode node, Lane lane) {
        Tensor arrived = lane.cotangents().take(node.index());
        if (arrived == null) {
            if (lane.signal().signal() instanceof ResidualCurvature) {
                return; // Not below the node where the columns come from.
            }
            throw new IllegalStateException("No cotangents at " + node.described());
        }
        forward.observer()
                .backward(node, lane.signal().signal(), arrived, lane.step().block());
        TensorScope scope = backend.openScope();
        scope.adopt(arrived);
        kept.add(scope);
        Tensor cotangents = condensed(node, lane, scope, arrived);
        Step step = stepOf(lane, cotangents);
        Pullback pullback = PluginCalls.call(
                node.part(),
                "in its backward pass",
                () -> forward.evaluation(node).pullback(forward.context(node, scope), cotangents));
        if (lane.signal().signal() instanceof LossGradient && !lane.repeated()) {
            curvature.collect(node, cotangents);
        }
        boolean pending = false;
        boolean waits = false;
        for (SiteUse use : lane.signal().sitesAt().get(node.index())) {
            ParameterDerivatives derivatives =
                    PluginCalls.call(node.part(), "in its backward pass", () -> pullback.parameter(use.name()));
            check(node, step, use, derivatives);
            pending |= arrive(node, lane, step, use, derivatives);
            waits |= waits(use.site(), lane);
        }
        for (int input = 0; input < node.inputs().size(); input++) {
            BoundNode.Source source = node.inputs().get(input);
            if (source.fromNode() && lane.signal().reaches()[source.index()]) {
                Tensor ofInput = input(node, step, pullback, input);
                boolean same = ofInput == cotangents;
                lane.cotangents().add(source.index(), same ? scope.view(ofInput, ofInput.shape()) : ofInput);
            }
        }
        if ((pending || waits) && earlier.keeps(lane.signal().signal(), step)) {
            earlier.keep(scope);
            kept.remove(kept.size() - 1);
        } else if (!pending && waits) {
            waitingScopes.add(scope);
        } else if (!pending) {
            scope.close();
            kept.remove(kept.size() - 1);
        }
    }

    /** Condensed columns come all at once; how many, the last node that condensed them says. */
    private static Step stepOf(Lane lane, Tensor cotangents) {
        return lane.signal().signal() instanceof CondensedSignal
                ? lane.step().withColumns(cotangents.shape().size(0))
                : lane.step();
    }

    /** Makes the columns that go on from a node: those that have arrived, or what a condensed signal makes of them. */
    private Tensor condensed(BoundNode node, Lane lane, TensorScope scope, Tensor arrived) {
        if (!lane.signal().condenses()[node.index()] || !(lane.signal().signal() instanceof CondensedSignal signal)) {
            return arrived;
        }
        Part part = Part.of(signal, layout.loss());
        Tensor condensed = PluginCalls.call(
                part, "at " + node.described(), () -> signal.condense(forward.context(node, scope), arrived));
        arrived.close();
        Shape out = node.declaration().output();
        Shape expected = out.prepend(out.elements(), lane.step().block().samples());
        return PluginCalls.check(part, "its columns", condensed, expected, layout.dtype());
    }

    private Tensor input(BoundNode node, Step step, Pullback pullback, int input) {
        Tensor cotangents = PluginCalls.call(node.part(), "in its backward pass", () -> pullback.input(input));
        Shape expected = layout.graph()
                .nodes()
                .get(node.inputs().get(input).index())
                .declaration()
                .output()
                .prepend(step.block().columns(), step.block().samples());
        return PluginCalls.check(node.part(), "the cotangents of an input", cotangents, expected, layout.dtype());
    }

    private void check(BoundNode node, Step step, SiteUse use, ParameterDerivatives derivatives) {
        Shape expected =
                use.shape().prepend(step.block().columns(), step.block().samples());
        Shape actual = derivatives.parameter().prepend(derivatives.columns(), derivatives.samples());
        if (!actual.equals(expected) || derivatives.dtype() != layout.dtype()) {
            Part part = node.part();
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "The derivatives that %s has of '%s' are of shape %s and type %s, but %s and %s were expected. This is an error of the plugin that provides it, %s."
                            .formatted(
                                    part.who(),
                                    use.name(),
                                    actual,
                                    derivatives.dtype(),
                                    expected,
                                    layout.dtype(),
                                    part.location()));
        }
    }

    /** Opens a site at its last use; until then its derivatives wait. Returns whether they do. */
    private boolean arrive(BoundNode node, Lane lane, Step step, SiteUse use, ParameterDerivatives derivatives) {
        SiteLayout site = use.site();
        if (site.uses().size() == 1 && use.rows().isEmpty()) {
            visit(node, lane, step, site, derivatives);
            return false;
        }
        List<Arrived> waiting = lane.pending().computeIfAbsent(site, key -> new ArrayList<>());
        waiting.add(new Arrived(use, derivatives));
        if (use.last()) {
            visit(node, lane, step, site, together(site, waiting));
            lane.pending().remove(site);
            return false;
        }
        return true;
    }

    private static ParameterDerivatives together(SiteLayout site, List<Arrived> uses) {
        return uses.stream().allMatch(arrived -> arrived.use().rows().isEmpty())
                ? ParameterDerivatives.tied(
                        uses.stream().map(Arrived::derivatives).toList())
                : ParameterDerivatives.stacked(
                        site.shape(),
                        uses.stream()
                                .map(arrived -> arrived.use().of(arrived.derivatives()))
                                .toList());
    }

    /** Whether the derivatives of an open site are needed until other signals have been there. */
    private boolean waits(SiteLayout site, Lane lane) {
        return layout.pairs().meets(stage, site, lane.signal().signal());
    }

    private void visit(BoundNode node, Lane lane, Step step, SiteLayout site, ParameterDerivatives derivatives) {
        if (waits(site, lane)) {
            waiting.computeIfAbsent(site, absent -> new ArrayList<>())
                    .add(new PairSums.Waiting(lane.signal().signal(), step, lane.repeated(), derivatives));
        }
        if (lane.repeated()) {
            return;
        }
        PluginCalls.call(node.part(), () -> "in the derivatives of '" + site.parameter() + "'", () -> {
            visitor.visit(site, lane.signal(), step, derivatives);
            return site;
        });
    }

    @Override
    public void close() {
        lanes.forEach(lane -> lane.cotangents().close());
        kept.forEach(TensorScope::close);
    }
}
