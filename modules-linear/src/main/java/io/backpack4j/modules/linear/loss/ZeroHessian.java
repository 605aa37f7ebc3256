// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/** The Hessian of a loss that is linear, or linear in pieces: its part of the network's Hessian is zero. */
final class ZeroHessian implements HessianRoot, HessianProduct {

    private final EvaluationContext context;
    private final Tensor output;

    ZeroHessian(EvaluationContext context, Tensor output) {
        this.context = context;
        this.output = output;
    }

    /** One column, for a sum over none would have no terms. */
    @Override
    public long count() {
        return 1;
    }

    @Override
    public Tensor columns(long from, long to) {
        Tensor columns = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
        context.backend().elementwise().fill(columns, 0);
        return columns;
    }

    @Override
    public Tensor multiply(Tensor tangents) {
        Tensor product = context.scope().allocate(tangents.shape(), tangents.dtype());
        context.backend().elementwise().fill(product, 0);
        return product;
    }
}
