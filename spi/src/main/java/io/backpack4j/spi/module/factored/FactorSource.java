// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.TensorScope;

/** Supplies the two factors of per-sample gradients. */
@FunctionalInterface
public interface FactorSource {

    /**
     * The factors of a block, b running over its columns times its samples.
     *
     * @param scope owns what has to be made; memory is shared where possible
     */
    PerSampleProduct factors(TensorScope scope, Block block);
}
