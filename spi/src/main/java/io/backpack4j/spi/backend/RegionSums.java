// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Sums in a part of a tensor that is no run of its rows, and of tensors of a type with fewer digits. */
public final class RegionSums {

    /** Elements converted at a time, so that little memory is needed for them. */
    private static final long PIECE = 1 << 17;

    private RegionSums() {}

    /**
     * whole[region] += part.
     *
     * @param part as many elements as the region has, in its order; of the type of the whole or of another
     */
    public static void add(Backend backend, Tensor part, Region region, Tensor whole) {
        try (TensorScope scope = backend.openScope()) {
            Tensor sum = scope.allocate(region.shape(), whole.dtype());
            backend.indexing().extract(whole, region, sum);
            add(backend, scope.view(part, region.shape()), sum);
            backend.indexing().insert(sum, region, whole);
        }
    }

    /**
     * sum += summand, in the sum's type.
     *
     * @param summand of the shape of the sum, and of its type or of another
     */
    public static void add(Backend backend, Tensor summand, Tensor sum) {
        if (summand.dtype() == sum.dtype()) {
            backend.elementwise().addScaled(1, summand, sum);
            return;
        }
        long elements = sum.shape().elements();
        try (TensorScope scope = backend.openScope()) {
            Tensor added = scope.view(summand, Shape.of(elements));
            Tensor total = scope.view(sum, Shape.of(elements));
            for (long from = 0; from < elements; from += PIECE) {
                long to = Math.min(elements, from + PIECE);
                try (TensorScope piece = backend.openScope()) {
                    Tensor converted = piece.allocate(Shape.of(to - from), sum.dtype());
                    backend.elementwise().copy(piece.rows(added, from, to), converted);
                    backend.elementwise().addScaled(1, converted, piece.rows(total, from, to));
                }
            }
        }
    }
}
