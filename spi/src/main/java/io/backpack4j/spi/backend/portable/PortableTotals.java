// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Sums of all elements as inner products with ones, which backends add up in double precision. */
public final class PortableTotals {

    /** How many elements one inner product takes, so that ones take little memory. */
    private static final long LENGTH = 1 << 16;

    private PortableTotals() {}

    public static void total(Backend backend, Tensor x, Tensor destination) {
        long elements = x.shape().elements();
        long length = Math.max(1, Math.min(elements, LENGTH));
        long parts = Math.max(1, (elements + length - 1) / length);
        try (TensorScope scope = backend.openScope()) {
            Tensor flat = scope.view(x, Shape.of(elements));
            Tensor ones = scope.allocate(Shape.of(length), x.dtype());
            backend.elementwise().fill(ones, 1);
            Tensor sums =
                    parts == 1 ? scope.view(destination, Shape.of(1)) : scope.allocate(Shape.of(parts), x.dtype());
            for (long part = 0; part < parts; part++) {
                long from = part * length;
                long to = Math.min(elements, from + length);
                Tensor row = scope.view(scope.rows(flat, from, to), Shape.of(1, to - from));
                Tensor factors = scope.view(scope.rows(ones, 0, to - from), row.shape());
                backend.contractions().rowDots(row, factors, scope.rows(sums, part, part + 1));
            }
            if (parts > 1) {
                total(backend, sums, destination);
            }
        }
    }
}
