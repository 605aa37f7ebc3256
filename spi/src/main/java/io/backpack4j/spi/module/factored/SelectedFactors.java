// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * The factors of some samples.
 *
 * @param all those of all samples
 * @param positions the samples, in order
 * @param samples how many there are in all
 */
record SelectedFactors(Backend backend, FactorSource all, List<Integer> positions, long samples)
        implements FactorSource {

    SelectedFactors {
        positions = List.copyOf(positions);
    }

    @Override
    public PerSampleProduct factors(TensorScope scope, Block block) {
        PerSampleProduct whole = all.factors(scope, new Block(block.fromColumn(), block.toColumn(), 0, samples));
        return new PerSampleProduct(
                gathered(scope, whole.left(), block),
                whole.leftTransposed(),
                gathered(scope, whole.right(), block),
                whole.rightTransposed());
    }

    /** The rows of the block's samples, for as many columns as there are. */
    private Tensor gathered(TensorScope scope, Tensor factors, Block block) {
        long columns = factors.shape().size(0) / samples;
        int count = Math.toIntExact(block.samples());
        long[] numbers = new long[Math.toIntExact(columns * count)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = i / count * samples + positions.get((int) block.fromSample() + i % count);
        }
        Tensor indices = scope.allocate(Shape.of(numbers.length), DType.INT64);
        indices.write(0, numbers, 0, numbers.length);
        Tensor gathered = scope.allocate(factors.shape().with(0, numbers.length), factors.dtype());
        backend.indexing().gatherRows(factors, indices, gathered);
        return gathered;
    }
}
