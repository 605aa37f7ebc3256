// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.NodeKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Partial results that were merged outside a pass, on their way to become results. */
public final class MergedPartials implements AutoCloseable {

    private final PassLayout layout;
    private final Backend backend;
    private final TensorScope partials;
    private final List<SiteState> sites = new ArrayList<>();
    private final PairSums sums;
    private final NodeSums nodes;

    /** @param layout for the number of all samples */
    public MergedPartials(PassLayout layout, Backend backend) {
        this.layout = layout;
        this.backend = backend;
        this.partials = backend.openScope();
        this.sums = new PairSums(backend, partials, layout.dtype(), PassObserver.NONE);
        this.nodes = new NodeSums(layout, backend, partials);
        for (SiteLayout site : layout.sites()) {
            sites.add(new SiteState(site, backend, partials, layout.dtype(), layout.samples()));
        }
    }

    /** Scope of the partial results. */
    public TensorScope scope() {
        return partials;
    }

    /** Sets an accumulated result of a site. */
    public void set(SiteLayout site, AccumulatorKey key, List<Tensor> tensors, long count) {
        sites.get(site.index()).set(key, tensors, count);
    }

    /** Sets a sum over a group of parameters. */
    public void set(GroupKey group, Tensor tensor) {
        sums.set(group, tensor);
    }

    /** Sets a reduction of a node's outputs. */
    public void set(NodeKey key, Tensor tensor) {
        nodes.set(key, tensor);
    }

    /** Sets a partial result of an extension's own. */
    public void set(SiteLayout site, SiteRequest request, String key, Tensor tensor) {
        sites.get(site.index()).set(request, key, tensor);
    }

    /**
     * The loss of the results.
     *
     * @param normaliser its factor
     * @param value the reduced loss
     * @param perSample of {@link #scope}, if it is among the results
     * @param output of {@link #scope}, if it is among the results
     */
    public record Loss(double normaliser, double value, Optional<Tensor> perSample, Optional<Tensor> output) {}

    /**
     * Makes results, which the caller closes.
     *
     * @param operands what all runs brought
     * @param gradients whether gradients are among them
     */
    public PassResults finish(Loss loss, RunOperands operands, boolean gradients) {
        GivenOperands given = new GivenOperands(operands);
        double normaliser = loss.normaliser();
        TensorScope results = backend.openScope();
        boolean done = false;
        try {
            Tensor scalar = backend.upload(results, Shape.of(), layout.dtype(), new double[] {loss.value()});
            PassResults finished = new PassResults(
                    backend,
                    results,
                    scalar,
                    loss.output().map(results::adopt),
                    loss.perSample().map(results::adopt),
                    layout.statistics());
            Finish finish = new Finish(
                    layout,
                    backend,
                    new Finish.Numbers(normaliser, () -> normaliser, false),
                    sites,
                    sums,
                    nodes,
                    (matrix, site) -> {
                        throw new IllegalStateException("Products are of one batch");
                    },
                    matrix -> {
                        throw new IllegalStateException("Products are of one batch");
                    },
                    partials,
                    new HandOver(layout, backend, normaliser, HandOver.NOBODY, given),
                    given);
            finish.fold(1);
            if (gradients) {
                finish.finish(finished, results);
            } else {
                finish.finishRequests(finished, results);
            }
            done = true;
            return finished;
        } finally {
            if (!done) {
                results.close();
            }
        }
    }

    @Override
    public void close() {
        partials.close();
    }
}
