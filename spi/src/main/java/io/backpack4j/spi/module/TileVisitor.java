// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Tensor;

/** Sees per-sample gradients block by block. */
@FunctionalInterface
public interface TileVisitor {

    /**
     * Looks at one block; the tensor is reused afterwards.
     *
     * @param block which columns and samples
     * @param gradients {@code [columns, samples, *p]}
     */
    void visit(Block block, Tensor gradients);
}
