// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Dropout of attention weights. That of head h, query t and key s of a sample is kept where {@link
 * io.backpack4j.spi.backend.CounterRandom#uniform} of the node's key, the sample's id and the position (h T + t) S + s
 * exceeds the probability; then it is divided by 1 − p.
 */
final class WeightDropout {

    /** Positions of {@link io.backpack4j.spi.backend.CounterRandom} are below this. */
    static final long POSITIONS = 1L << 32;

    private final double probability;
    private final HeadSizes sizes;
    private final RandomKey key;
    private final long[] sampleIds;
    private final DType dtype;

    WeightDropout(double probability, HeadSizes sizes, EvaluationContext context, DType dtype) {
        this.probability = probability;
        this.sizes = sizes;
        this.key = context.randomKey();
        this.sampleIds = context.sampleIds();
        this.dtype = dtype;
    }

    /** 1 / (1 − p) or 0 for every weight of a tile. */
    Tensor factors(Backend backend, TensorScope scope, ScoreTile tile) {
        Tensor factors = scope.allocate(tile.shape(), dtype);
        write(backend, tile, factors);
        return factors;
    }

    /** Writes them, {@code [matrices, rows, keys]}. */
    void write(Backend backend, ScoreTile tile, Tensor factors) {
        long rows = tile.toRow() - tile.fromRow();
        try (TensorScope work = backend.openScope()) {
            Tensor uniform = work.allocate(Shape.of(1, rows, sizes.keys()), DType.FLOAT64);
            Tensor flags = work.allocate(uniform.shape(), dtype);
            Region seen = Region.all(uniform.shape()).with(2, 0, tile.keys());
            for (long matrix = tile.fromMatrix(); matrix < tile.toMatrix(); matrix++) {
                long head = matrix / sizes.samples();
                long sample = sampleIds[(int) (matrix % sizes.samples())];
                long first = (head * sizes.queries() + tile.fromRow()) * sizes.keys();
                backend.random().uniform(key, new long[] {sample}, first, uniform);
                backend.elementwise().affine(uniform, 1, -probability, uniform);
                backend.elementwise().apply(UnaryOperation.POSITIVE, uniform, uniform);
                backend.elementwise().copy(uniform, flags);
                long number = matrix - tile.fromMatrix();
                try (TensorScope step = backend.openScope()) {
                    backend.indexing().extract(flags, seen, step.rows(factors, number, number + 1));
                }
            }
        }
        backend.elementwise().affine(factors, probability == 1 ? 0 : 1 / (1 - probability), 0, factors);
    }
}
