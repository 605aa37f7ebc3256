// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.ext.secondorder.AveragedHessianRoot;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** KFRA's signal, with a note of what it condenses; equal to itself only. */
final class Noted implements CondensedSignal {

    private final CondensedSignal signal = new AveragedHessianRoot();
    private final List<Shape> condensed = new ArrayList<>();

    /** The shapes of what has arrived where it was condensed, from the loss on. */
    List<Shape> condensed() {
        return condensed;
    }

    @Override
    public String name() {
        return signal.name();
    }

    @Override
    public double degree() {
        return signal.degree();
    }

    @Override
    public long columns(LossEvaluation loss) {
        return signal.columns(loss);
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        return signal.seed(context, loss, from, to);
    }

    @Override
    public Tensor condense(EvaluationContext context, Tensor cotangents) {
        condensed.add(cotangents.shape());
        return signal.condense(context, cotangents);
    }
}
