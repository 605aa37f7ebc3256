// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * Weighted sums of another signal's columns at the loss, Σ_v w_kvn s_vn: K columns instead of V. A walk back is linear,
 * so that what arrives at a parameter is what weighted sums of the other signal's gradients over its columns would be
 * ({@link io.backpack4j.spi.module.Contraction.WeightedSum}), for K walks of a column instead of V. The eigenvectors of
 * a matrix that is known by its root come of it, once the eigenvectors of the root's Gram matrix are known.
 *
 * @param source the signal whose columns are combined
 * @param weights {@code [K, V, N]}: a tensor that the owning extension folded in an earlier stage. K may depend on
 *     numbers
 */
public record CombinedColumns(LossSignal source, Operand weights) implements LossSignal {

    @Override
    public String name() {
        return "combinations '%s' of the %s".formatted(weights.name(), source.name());
    }

    /** That of the source, for weights that do not depend on the loss's factor. */
    @Override
    public double degree() {
        return source.degree();
    }

    @Override
    public Optional<Operand> operand() {
        return Optional.of(weights);
    }

    @Override
    public LossSignal with(Tensor operand) {
        return new Weighted(this, operand);
    }

    @Override
    public long columns(LossEvaluation loss) {
        throw withoutWeights();
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        throw withoutWeights();
    }

    private IllegalStateException withoutWeights() {
        return new IllegalStateException("The weights of " + this + " are not known yet");
    }

    /** The same with its weights. */
    private record Weighted(CombinedColumns signal, Tensor weights) implements LossSignal {

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
            return weights.shape().size(0);
        }

        @Override
        public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
            Backend backend = context.backend();
            long sources = signal.source().columns(loss);
            Tensor columns = signal.source().seed(context, loss, 0, sources);
            Shape shape = columns.shape();
            long samples = shape.size(1);
            requireFitting(sources, samples);
            long size = shape.elements(2, shape.rank());
            long count = to - from;
            DType dtype = columns.dtype();
            Tensor result = context.scope().allocate(shape.with(0, count), dtype);
            try (TensorScope scope = backend.openScope()) {
                Tensor bySample = scope.allocate(Shape.of(samples, sources, size), dtype);
                Tensor flat = scope.view(columns, Shape.of(sources, samples, size));
                backend.indexing().permute(flat, new int[] {1, 0, 2}, bySample);
                Tensor ofSamples = scope.allocate(Shape.of(samples, count, sources), dtype);
                backend.indexing().permute(scope.rows(weights, from, to), new int[] {2, 0, 1}, ofSamples);
                Tensor combined = scope.allocate(Shape.of(samples, count, size), dtype);
                backend.products().multiply(ofSamples, false, bySample, false, 1, 0, combined);
                Tensor byColumn = scope.view(result, Shape.of(count, samples, size));
                backend.indexing().permute(combined, new int[] {1, 0, 2}, byColumn);
            }
            columns.close();
            return result;
        }

        private void requireFitting(long columns, long samples) {
            Shape shape = weights.shape();
            if (shape.rank() != 3 || shape.size(1) != columns || shape.size(2) != samples) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH,
                        "The weights '%s' have shape %s, but combine %d columns of %d samples: they must be [K, %d, %d]."
                                .formatted(signal.weights().name(), shape, columns, samples, columns, samples));
            }
        }
    }
}
