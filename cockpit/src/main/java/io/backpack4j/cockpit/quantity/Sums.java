// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Sums over tensors' elements, in double precision. */
public final class Sums {

    private static final long PIECE = 1 << 16;

    private Sums() {}

    /** Σ a · b over all elements of two tensors of one shape. */
    public static double dot(Backend backend, Tensor a, Tensor b) {
        try (TensorScope scope = backend.openScope()) {
            Shape row = Shape.of(1, a.shape().elements());
            Tensor sum = scope.allocate(Shape.of(1), a.dtype());
            backend.contractions().rowDots(scope.view(a, row), scope.view(b, row), sum);
            return sum.item();
        }
    }

    /** Σ a². */
    public static double squares(Backend backend, Tensor a) {
        return dot(backend, a, a);
    }

    /** Σ (a − b)². Differences are made a piece at a time, which stays in the cache. */
    static double squaredDistance(Backend backend, Tensor a, Tensor b) {
        long elements = a.shape().elements();
        double sum = 0;
        try (TensorScope scope = backend.openScope()) {
            Tensor left = scope.view(a, Shape.of(elements));
            Tensor right = scope.view(b, Shape.of(elements));
            Tensor memory = scope.allocate(Shape.of(Math.min(PIECE, elements)), a.dtype());
            for (long from = 0; from < elements; from += PIECE) {
                long to = Math.min(elements, from + PIECE);
                try (TensorScope step = backend.openScope()) {
                    Tensor difference = step.rows(memory, 0, to - from);
                    backend.elementwise()
                            .combine(
                                    BinaryOperation.SUBTRACT,
                                    step.rows(left, from, to),
                                    step.rows(right, from, to),
                                    difference);
                    sum += squares(backend, difference);
                }
            }
        }
        return sum;
    }

    /** Σ a. */
    static double total(Backend backend, Tensor a) {
        try (TensorScope scope = backend.openScope()) {
            Tensor sum = scope.allocate(Shape.of(), a.dtype());
            backend.reductions().total(a, sum);
            return sum.item();
        }
    }

    /** The largest |a|; NaN if an element is. */
    static double largest(Backend backend, Tensor a) {
        try (TensorScope scope = backend.openScope()) {
            Tensor flat = scope.view(a, Shape.of(a.shape().elements()));
            Tensor extreme = scope.allocate(Shape.of(), a.dtype());
            backend.reductions().reduce(Reduction.MAXIMUM, flat, 0, 1, extreme);
            double most = extreme.item();
            backend.reductions().reduce(Reduction.MINIMUM, flat, 0, 1, extreme);
            return Math.max(most, -extreme.item());
        }
    }
}
