package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiFunction;

/** Products with what a curvature matrix has at the network's output: H_n t_vn. */
final class LossProducts {

    private final PassLayout layout;
    private final Backend backend;
    private final ChunkForward forward;
    private final double normaliser;

    LossProducts(PassLayout layout, Backend backend, ChunkForward forward, double normaliser) {
        this.layout = layout;
        this.backend = backend;
        this.forward = forward;
        this.normaliser = normaliser;
    }

    /**
     * Multiplies.
     *
     * @param tangents {@code [V, n, *out]}
     * @param scope owns the result
     * @return {@code [V, n, *out]}
     */
    Tensor multiply(CurvatureMatrix matrix, Tensor tangents, TensorScope scope) {
        Tensor product = PluginCalls.call(
                Part.of(layout.loss()), "in its second derivative", () -> product(matrix, tangents, scope));
        return PluginCalls.check(
                Part.of(layout.loss()), "its Hessian product", product, tangents.shape(), tangents.dtype());
    }

    private Tensor product(CurvatureMatrix matrix, Tensor tangents, TensorScope scope) {
        LossEvaluation loss = forward.loss();
        if (matrix instanceof CurvatureMatrix.SampledGaussNewton sampled) {
            LossSignal draws = new SampledLossGradient(sampled.samples());
            long count = draws.columns(loss);
            return ofColumns(
                    count, (from, to) -> draws.seed(forward.lossContext(), loss, from, to), tangents, scope, 1);
        } else if (matrix instanceof CurvatureMatrix.EmpiricalFisher) {
            // The loss's gradient is c ∇ℓ: twice is once too often.
            return ofColumns(1, (from, to) -> loss.gradient(), tangents, scope, 1 / normaliser);
        }
        Optional<HessianProduct> product = loss.hessianProduct();
        if (product.isPresent()) {
            return scope.adopt(product.get().multiply(tangents));
        }
        HessianRoot root = loss.hessianRoot()
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED_LOSS,
                                "The loss has neither products with its Hessian nor a root of it. Use a loss that offers one, or the empirical Fisher matrix."));
        return ofColumns(root.count(), root::columns, tangents, scope, 1);
    }

    /** scale · Σ_k s_k (s_kᵀ t). */
    private Tensor ofColumns(
            long count, BiFunction<Long, Long, Tensor> columns, Tensor tangents, TensorScope scope, double scale) {
        Shape shape = tangents.shape();
        Shape rows = Shape.of(shape.size(0), shape.size(1), shape.elements(2, shape.rank()));
        var ops = backend.elementwise();
        Tensor result = scope.allocate(shape, tangents.dtype());
        ops.fill(result, 0);
        try (TensorScope work = backend.openScope()) {
            Tensor t = work.view(tangents, rows);
            Tensor sum = work.view(result, rows);
            Tensor product = work.allocate(rows, tangents.dtype());
            Tensor coefficients = work.allocate(rows.slice(0, 2), tangents.dtype());
            Tensor stretched = work.view(coefficients, rows.with(2, 1));
            for (long k = 0; k < count; k++) {
                try (TensorScope step = backend.openScope()) {
                    Tensor column = step.adopt(columns.apply(k, k + 1));
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
