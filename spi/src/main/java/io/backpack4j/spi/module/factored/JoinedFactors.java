// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * Factors with the positions of several uses of a parameter one behind the other: Σ_u Σ_s left_us ⊗ right_us is one sum
 * over all positions.
 */
final class JoinedFactors {

    /** The axis of positions in {@code [·, G, S, ·]}. */
    private static final int POSITIONS = 2;

    private JoinedFactors() {}

    /** @param uses with positions first, of equal sizes but for the number of positions; at least one */
    static PerSampleProduct of(Backend backend, TensorScope scope, List<PerSampleProduct> uses) {
        if (uses.size() == 1) {
            return uses.get(0);
        }
        List<Tensor> left = uses.stream().map(PerSampleProduct::left).toList();
        List<Tensor> right = uses.stream().map(PerSampleProduct::right).toList();
        return new PerSampleProduct(join(backend, scope, left), true, join(backend, scope, right), false);
    }

    private static Tensor join(Backend backend, TensorScope scope, List<Tensor> parts) {
        long count =
                parts.stream().mapToLong(part -> part.shape().size(POSITIONS)).sum();
        Tensor first = parts.get(0);
        Tensor joined = scope.allocate(first.shape().with(POSITIONS, count), first.dtype());
        long from = 0;
        for (Tensor part : parts) {
            long size = part.shape().size(POSITIONS);
            backend.indexing().insert(part, Region.all(joined.shape()).with(POSITIONS, from, size), joined);
            from += size;
        }
        return joined;
    }
}
