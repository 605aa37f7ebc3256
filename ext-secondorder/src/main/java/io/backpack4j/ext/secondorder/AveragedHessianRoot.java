// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The curvature of the loss, averaged over the samples at every node: H = Σ_n c ∇²ℓ_n at the network's output and (1/N)
 * Σ_n J_nᵀ H J_n below a node with Jacobian J. Botev, Ritter, Barber (2017), "Practical Gauss-Newton Optimisation for
 * Deep Learning", section 3.3.
 *
 * <p>What travels is a root: columns r_v with Σ_v r_v r_vᵀ = H, the same for all samples and divided by √N. A pullback
 * makes columns q_vn of them, and Σ_vn q_vn q_vnᵀ is the average below; its root is made from its eigenvalues. So every
 * module with a pullback has KFRA. Where samples share a Jacobian, the columns q_vn need no average: the sum is the
 * same without it.
 */
public record AveragedHessianRoot() implements CondensedSignal {

    private static final LossHessianRoot AT_LOSS = new LossHessianRoot();

    @Override
    public String name() {
        return "averaged Hessian of the loss";
    }

    @Override
    public double degree() {
        return AT_LOSS.degree();
    }

    @Override
    public long columns(LossEvaluation loss) {
        return AT_LOSS.columns(loss);
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        return AT_LOSS.seed(context, loss, from, to);
    }

    @Override
    public Tensor condense(EvaluationContext context, Tensor cotangents) {
        Backend backend = context.backend();
        DType dtype = cotangents.dtype();
        Shape shape = cotangents.shape();
        long samples = shape.size(1);
        long size = shape.elements(2, shape.rank());
        Tensor result = context.scope().allocate(shape.with(0, size), dtype);
        try (TensorScope scope = backend.openScope()) {
            Tensor rows = scope.view(cotangents, Shape.of(shape.size(0) * samples, size));
            Tensor average = scope.allocate(Shape.of(size, size), dtype);
            backend.products().multiply(rows, true, rows, false, 1, 0, average);
            Tensor values = scope.allocate(Shape.of(size), dtype);
            Tensor vectors = scope.allocate(Shape.of(size, size), dtype);
            backend.decompositions().symmetricEigen(average, values, vectors);
            scaleByRoots(backend, scope, values, samples, vectors);
            Tensor columns = scope.allocate(Shape.of(size, size), dtype);
            backend.indexing().permute(vectors, new int[] {1, 0}, columns);
            Tensor zeros = scope.allocate(Shape.of(samples, 1), dtype);
            backend.elementwise().fill(zeros, 0);
            backend.elementwise()
                    .combine(
                            BinaryOperation.ADD,
                            scope.view(columns, Shape.of(size, 1, size)),
                            zeros,
                            scope.view(result, Shape.of(size, samples, size)));
        }
        return result;
    }

    /** vectors · diag √(values / N); values that rounding made negative count as 0. */
    private static void scaleByRoots(Backend backend, TensorScope scope, Tensor values, long samples, Tensor vectors) {
        Tensor zero = scope.allocate(Shape.of(1), values.dtype());
        backend.elementwise().fill(zero, 0);
        backend.elementwise().combine(BinaryOperation.MAXIMUM, values, zero, values);
        backend.elementwise().affine(values, 1.0 / Math.max(1, samples), 0, values);
        backend.elementwise().apply(UnaryOperation.SQRT, values, values);
        backend.elementwise().combine(BinaryOperation.MULTIPLY, vectors, values, vectors);
    }
}
