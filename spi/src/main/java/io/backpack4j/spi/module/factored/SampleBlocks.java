// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Cuts blocks of columns and samples out of cotangents. */
public final class SampleBlocks {

    private SampleBlocks() {}

    /**
     * The block's columns times samples as rows; memory is shared where they are neighbours.
     *
     * @param scope owns what has to be made
     * @param tensor {@code [V, N, *]}
     * @return {@code [block.columns() · block.samples(), *]}
     */
    public static Tensor rows(Backend backend, TensorScope scope, Tensor tensor, Block block) {
        Shape shape = tensor.shape();
        long samples = shape.size(1);
        long count = block.columns() * block.samples();
        Shape rest = shape.dropFirst(2);
        if (block.columns() == 1 || block.samples() == samples) {
            Tensor rows = scope.view(tensor, rest.prepend(shape.size(0) * samples));
            long first = block.fromColumn() * samples + block.fromSample();
            return scope.rows(rows, first, first + count);
        }
        Region region = Region.all(shape)
                .with(0, block.fromColumn(), block.columns())
                .with(1, block.fromSample(), block.samples());
        Tensor part = scope.allocate(region.shape(), tensor.dtype());
        backend.indexing().extract(tensor, region, part);
        return scope.view(part, rest.prepend(count));
    }
}
