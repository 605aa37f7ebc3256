// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Sums in a part of a tensor that is no run of its rows. */
public final class RegionSums {

    private RegionSums() {}

    /**
     * whole[region] += part.
     *
     * @param part as many elements as the region has, in its order
     */
    public static void add(Backend backend, Tensor part, Region region, Tensor whole) {
        try (TensorScope scope = backend.openScope()) {
            Tensor sum = scope.allocate(region.shape(), whole.dtype());
            backend.indexing().extract(whole, region, sum);
            backend.elementwise().addScaled(1, scope.view(part, region.shape()), sum);
            backend.indexing().insert(sum, region, whole);
        }
    }
}
