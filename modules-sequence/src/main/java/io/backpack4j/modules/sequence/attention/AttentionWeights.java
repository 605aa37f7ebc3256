// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import static io.backpack4j.spi.backend.BinaryOperation.ADD;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The weights p = softmax(scale q kᵀ) of all tiles, each made when it is asked for, always alike. What must not be seen
 * has a score of −∞; a query that sees nothing has weights NaN, as in PyTorch. Small ones are kept.
 */
final class AttentionWeights {

    /** Matrices of up to so many scores are kept: operands of such sizes take about as much memory. */
    private static final long MOST_KEPT = 1 << 16;

    private final HeadSizes sizes;
    private final double scale;
    private final Tensor queries;
    private final Tensor keys;
    private final @Nullable Tensor padding;
    private final @Nullable Positions positions;
    private final Optional<WeightDropout> dropout;
    private final @Nullable Tensor kept;
    private final @Nullable Tensor keptFactors;
    private final List<ScoreTile> tiles;

    /**
     * Numbers of queries and keys in the model's type, for comparisons.
     *
     * @param queries {@code [1, T, 1]}
     * @param keys {@code [1, S, 1]}
     */
    private record Positions(Tensor queries, Tensor keys) {}

    /**
     * Weights of one evaluation.
     *
     * @param context where what is kept is allocated
     * @param queries {@code [H·N, T, d]}
     * @param keys {@code [H·N, S, d]}
     * @param mask {@code [N, S]}, not 0 where a key is padding
     */
    AttentionWeights(
            EvaluationContext context,
            HeadSizes sizes,
            double scale,
            Tensor queries,
            Tensor keys,
            Optional<Tensor> mask,
            boolean causal,
            Optional<WeightDropout> dropout) {
        this.sizes = sizes;
        this.scale = scale;
        this.queries = queries;
        this.keys = keys;
        this.dropout = dropout;
        this.padding = mask.map(given -> padding(context, given)).orElse(null);
        this.positions =
                causal ? new Positions(numbers(context, sizes.queries()), numbers(context, sizes.keys())) : null;
        this.tiles = ScoreTile.of(sizes, causal);
        if (sizes.queries() * sizes.keys() <= MOST_KEPT) {
            Tensor all = context.scope()
                    .allocate(Shape.of(sizes.matrices(), sizes.queries(), sizes.keys()), queries.dtype());
            for (ScoreTile tile : tiles) {
                try (TensorScope scope = context.backend().openScope()) {
                    write(context.backend(), tile, tile.ofQueries(scope, all));
                }
            }
            this.kept = all;
            this.keptFactors = dropout.map(it -> allFactors(context, it)).orElse(null);
        } else {
            this.kept = null;
            this.keptFactors = null;
        }
    }

    /** The tiles, which cover all scores. */
    List<ScoreTile> tiles() {
        return tiles;
    }

    /** The factor of the scores. */
    double scale() {
        return scale;
    }

    /** p of a tile, {@code [matrices, rows, keys]}, not to be changed. */
    Tensor of(Backend backend, TensorScope scope, ScoreTile tile) {
        if (kept != null) {
            return tile.ofQueries(scope, kept);
        }
        Tensor weights = scope.allocate(tile.shape(), queries.dtype());
        write(backend, tile, weights);
        return weights;
    }

    /** What dropout multiplies the weights of a tile with, if there is any; not to be changed. */
    Optional<Tensor> factors(Backend backend, TensorScope scope, ScoreTile tile) {
        return keptFactors != null
                ? Optional.of(tile.ofQueries(scope, keptFactors))
                : dropout.map(it -> it.factors(backend, scope, tile));
    }

    private Tensor allFactors(EvaluationContext context, WeightDropout draws) {
        Shape shape = Shape.of(sizes.matrices(), sizes.queries(), sizes.keys());
        Tensor all = context.scope().allocate(shape, queries.dtype());
        for (ScoreTile tile : tiles) {
            try (TensorScope scope = context.backend().openScope()) {
                draws.write(context.backend(), tile, tile.ofQueries(scope, all));
            }
        }
        return all;
    }

    private void write(Backend backend, ScoreTile tile, Tensor weights) {
        Elementwise ops = backend.elementwise();
        try (TensorScope scope = backend.openScope()) {
            Tensor rows = tile.ofQueries(scope, queries);
            backend.products().multiply(rows, false, tile.ofKeys(scope, keys), true, scale, 0, weights);
            if (padding != null) {
                Tensor hidden = tile.ofKeys(scope, padding);
                Shape perKey = Shape.of(hidden.shape().size(0), 1, tile.keys());
                ops.combine(ADD, weights, scope.view(hidden, perKey), weights);
            }
            if (positions != null) {
                ops.combine(ADD, weights, later(backend, scope, tile, positions), weights);
            }
            backend.reductions().softmax(weights, 2, weights);
        }
    }

    /** −∞ where a key comes behind its query, else 0: {@code [1, rows, keys]}. */
    private static Tensor later(Backend backend, TensorScope scope, ScoreTile tile, Positions positions) {
        ScoreTile one = new ScoreTile(0, 1, tile.fromRow(), tile.toRow(), tile.keys());
        Tensor hidden = scope.allocate(one.shape(), positions.queries().dtype());
        Tensor ofKeys = one.ofKeys(scope, positions.keys());
        Tensor across = scope.view(ofKeys, Shape.of(1, 1, tile.keys()));
        backend.elementwise().combine(SUBTRACT, across, one.ofQueries(scope, positions.queries()), hidden);
        backend.elementwise().apply(UnaryOperation.POSITIVE, hidden, hidden);
        hide(backend, hidden);
        return hidden;
    }

    /** {@code [H·N, S, 1]} of −∞ for padding and 0. */
    private Tensor padding(EvaluationContext context, Tensor mask) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        Tensor hidden = context.scope().allocate(Shape.of(sizes.matrices(), sizes.keys(), 1), queries.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor ofSamples = scope.allocate(mask.shape(), queries.dtype());
            ops.copy(mask, ofSamples);
            ops.apply(UnaryOperation.ABS, ofSamples, ofSamples);
            ops.apply(UnaryOperation.POSITIVE, ofSamples, ofSamples);
            hide(backend, ofSamples);
            Tensor ofHeads = scope.view(hidden, mask.shape().prepend(sizes.heads()));
            Tensor zeros = scope.allocate(Shape.of(sizes.heads(), 1, 1), queries.dtype());
            ops.fill(zeros, 0);
            ops.combine(ADD, zeros, ofSamples, ofHeads);
        }
        return hidden;
    }

    /** log(1 − x) of ones and zeros. */
    private static void hide(Backend backend, Tensor flags) {
        backend.elementwise().affine(flags, -1, 1, flags);
        backend.elementwise().apply(UnaryOperation.LOG, flags, flags);
    }

    private Tensor numbers(EvaluationContext context, long count) {
        double[] values = LongStream.range(0, count).asDoubleStream().toArray();
        DType dtype = queries.dtype();
        return context.backend().upload(context.scope(), Shape.of(1, count, 1), dtype, values);
    }
}
