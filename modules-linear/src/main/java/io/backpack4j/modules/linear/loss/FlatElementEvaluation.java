// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/** A loss whose elements' losses are linear, or linear in pieces. */
abstract class FlatElementEvaluation extends ElementEvaluation {

    FlatElementEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        super(context, output, targets, normaliser);
    }

    @Override
    public final Optional<HessianRoot> hessianRoot() {
        return Optional.of(new ZeroHessian(context, output));
    }

    @Override
    public final Optional<HessianProduct> hessianProduct() {
        return Optional.of(new ZeroHessian(context, output));
    }
}
