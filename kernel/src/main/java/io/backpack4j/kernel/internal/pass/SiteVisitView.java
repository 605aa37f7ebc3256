// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteVisit;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** One step at a site, as an extension sees it. */
final class SiteVisitView implements SiteVisit {

    private final SiteState state;
    private final SiteRequest request;
    private final Signal signal;
    private final Step step;
    private final ParameterDerivatives derivatives;
    private final TensorScope scope;
    private final GivenOperands operands;
    private final double normaliser;
    private final List<Runnable> afterwards = new ArrayList<>();

    SiteVisitView(
            SiteState state,
            SiteRequest request,
            Signal signal,
            Step step,
            ParameterDerivatives derivatives,
            TensorScope scope,
            GivenOperands operands,
            double normaliser) {
        this.state = state;
        this.request = request;
        this.signal = signal;
        this.step = step;
        this.derivatives = derivatives;
        this.scope = scope;
        this.operands = operands;
        this.normaliser = normaliser;
    }

    /** Writes back what could not be handed out in place. */
    void finish() {
        afterwards.forEach(Runnable::run);
    }

    @Override
    public String parameter() {
        return state.layout().parameter();
    }

    @Override
    public Signal signal() {
        return signal;
    }

    @Override
    public Block block() {
        return step.block();
    }

    @Override
    public ParameterDerivatives derivatives() {
        return derivatives;
    }

    @Override
    public Tensor partial(String key) {
        Tensor whole = state.partial(request, key, step.columns());
        MergeRule rule = Objects.requireNonNull(request.partials().get(key)).rule();
        if (rule == MergeRule.SUM) {
            return state.summand(whole, step);
        } else if (rule == MergeRule.PER_SAMPLE) {
            return scope.rows(whole, step.block().fromSample(), step.block().toSample());
        } else if (rule == MergeRule.PER_COLUMN_AND_SAMPLE) {
            Tensor view = StepRegions.view(scope, whole, step);
            if (view != null) {
                return view;
            }
            Tensor part = scope.allocate(StepRegions.region(whole, step).shape(), whole.dtype());
            afterwards.add(() -> backend().indexing().insert(part, StepRegions.region(whole, step), whole));
            return part;
        }
        return whole;
    }

    @Override
    public Tensor operand(String name) {
        return operands.of(name, parameter());
    }

    @Override
    public double normaliser() {
        return normaliser;
    }

    @Override
    public Backend backend() {
        return derivatives.backend();
    }

    @Override
    public TensorScope scope() {
        return scope;
    }
}
