// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** Products with what curvature matrices have at the network's output. */
final class LossProducts {

    private LossProducts() {}

    /** Columns s_k, {@code [to − from, N, *out]}. */
    interface Columns {
        Tensor of(long from, long to);
    }

    /** c ∇²ℓ_n · t_vn, by the loss's own product or by a root. */
    static Tensor withHessian(EvaluationContext context, LossEvaluation loss, Tensor tangents) {
        Optional<HessianProduct> product = loss.hessianProduct();
        if (product.isPresent()) {
            return context.scope().adopt(product.get().multiply(tangents));
        }
        HessianRoot root = loss.hessianRoot()
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED_LOSS,
                                "The loss has neither products with its Hessian nor a root of it. Use a loss that offers one, or the empirical Fisher matrix."));
        return withColumns(context, root.count(), root::columns, tangents, 1);
    }

    /** scale · Σ_k s_k (s_kᵀ t). */
    static Tensor withColumns(EvaluationContext context, long count, Columns columns, Tensor tangents, double scale) {
        Backend backend = context.backend();
        Shape shape = tangents.shape();
        Shape rows = Shape.of(shape.size(0), shape.size(1), shape.elements(2, shape.rank()));
        var ops = backend.elementwise();
        Tensor result = context.scope().allocate(shape, tangents.dtype());
        ops.fill(result, 0);
        try (TensorScope work = backend.openScope()) {
            Tensor t = work.view(tangents, rows);
            Tensor sum = work.view(result, rows);
            Tensor product = work.allocate(rows, tangents.dtype());
            Tensor coefficients = work.allocate(rows.slice(0, 2), tangents.dtype());
            Tensor stretched = work.view(coefficients, rows.with(2, 1));
            for (long k = 0; k < count; k++) {
                try (TensorScope step = backend.openScope()) {
                    Tensor column = step.adopt(columns.of(k, k + 1));
                    Tensor s = step.view(column, rows.dropFirst(1));
                    ops.combine(BinaryOperation.MULTIPLY, t, s, product);
                    backend.reductions().reduce(Reduction.SUM, product, 2, 3, coefficients);
                    ops.combine(BinaryOperation.MULTIPLY, s, stretched, product);
                    ops.addScaled(scale, product, sum);
                }
            }
        }
        return result;
    }
}
