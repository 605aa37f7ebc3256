// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.loss.GradientSampler;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** A loss of elements whose Hessian, which is diagonal, has a root. */
abstract class CurvedElementEvaluation extends ElementEvaluation
        implements HessianRoot, GradientSampler, HessianProduct {

    CurvedElementEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        super(context, output, targets, normaliser);
    }

    /** Writes one draw, with the shape of the output: its square is on average the second derivative. */
    abstract void writeDrawn(TensorScope scope, RandomKey key, Tensor destination);

    /** √(c/M) times the draws. */
    @Override
    public final Tensor columns(RandomKey key, int from, int to, int total) {
        Tensor result = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
        for (int draw = from; draw < to; draw++) {
            try (TensorScope scope = backend.openScope()) {
                Tensor row = scope.rows(result, draw - from, draw - from + 1);
                writeDrawn(scope, key.draw(draw), scope.view(row, output.shape()));
            }
        }
        ops.affine(result, Math.sqrt(normaliser / total), 0, result);
        return result;
    }

    @Override
    public final long count() {
        return elements;
    }

    @Override
    public final Optional<HessianRoot> hessianRoot() {
        return Optional.of(this);
    }

    @Override
    public final Optional<GradientSampler> gradientSampler() {
        return Optional.of(this);
    }

    @Override
    public final Optional<HessianProduct> hessianProduct() {
        return Optional.of(this);
    }

    /** The unit vectors from {@code from} to {@code to}, times a value: {@code [to − from, 1, D]}. */
    final Tensor unitVectors(TensorScope scope, long from, long to, double value) {
        Tensor rows = OneHot.rows(backend, scope, output.dtype(), from, to, j -> j, elements, value);
        return scope.view(rows, Shape.of(to - from, 1, elements));
    }
}
