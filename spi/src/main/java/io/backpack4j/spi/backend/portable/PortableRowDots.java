// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Inner products of rows as plain operations in double precision, some rows, or parts of a long one, at a time. */
final class PortableRowDots {

    /** How many products are in memory at a time. */
    private static final long PRODUCTS = 1 << 15;

    private final Backend backend;
    private final Tensor a;
    private final Tensor b;
    private final long rows;
    private final long length;

    PortableRowDots(Backend backend, Tensor a, Tensor b) {
        this.backend = backend;
        this.a = a;
        this.b = b;
        this.rows = a.shape().size(0);
        this.length = a.shape().elements(1, a.shape().rank());
    }

    void store(Tensor destination) {
        if (rows == 0) {
            return;
        }
        boolean same = a == b;
        try (TensorScope scope = backend.openScope()) {
            Tensor left = scope.view(a, Shape.of(rows, length));
            Tensor right = same ? left : scope.view(b, Shape.of(b.shape().size(0), length));
            if (length <= PRODUCTS) {
                long run = Math.max(1, PRODUCTS / Math.max(1, length));
                for (long from = 0; from < rows; from += run) {
                    long to = Math.min(rows, from + run);
                    try (TensorScope step = backend.openScope()) {
                        Tensor some = step.rows(left, from, to);
                        Tensor others = same ? some : right.shape().size(0) == 1 ? right : step.rows(right, from, to);
                        Tensor sums = dots(step, some, others);
                        backend.elementwise().copy(sums, step.rows(destination, from, to));
                    }
                }
            } else {
                for (long row = 0; row < rows; row++) {
                    try (TensorScope step = backend.openScope()) {
                        long other = right.shape().size(0) == 1 ? 0 : row;
                        Tensor sum = longDot(step, step.rows(left, row, row + 1), step.rows(right, other, other + 1));
                        backend.elementwise().copy(sum, step.rows(destination, row, row + 1));
                    }
                }
            }
        }
    }

    /** The inner product of two rows that are too long to be multiplied at once. */
    private Tensor longDot(TensorScope scope, Tensor left, Tensor right) {
        Tensor ofLeft = scope.view(left, Shape.of(length));
        Tensor ofRight = scope.view(right, Shape.of(length));
        long parts = (length + PRODUCTS - 1) / PRODUCTS;
        Tensor sums = scope.allocate(Shape.of(parts), DType.FLOAT64);
        for (long part = 0; part < parts; part++) {
            long from = part * PRODUCTS;
            long to = Math.min(length, from + PRODUCTS);
            try (TensorScope step = backend.openScope()) {
                Shape row = Shape.of(1, to - from);
                Tensor dot = dots(
                        step,
                        step.view(step.rows(ofLeft, from, to), row),
                        step.view(step.rows(ofRight, from, to), row));
                backend.elementwise().copy(dot, step.rows(sums, part, part + 1));
            }
        }
        Tensor total = scope.allocate(Shape.of(1), DType.FLOAT64);
        backend.reductions().reduce(Reduction.SUM, scope.view(sums, Shape.of(1, parts)), 1, 2, total);
        return total;
    }

    private Tensor dots(TensorScope scope, Tensor left, Tensor right) {
        Tensor wide = wide(scope, left);
        Tensor products = scope.allocate(left.shape(), DType.FLOAT64);
        backend.elementwise()
                .combine(BinaryOperation.MULTIPLY, wide, left == right ? wide : wide(scope, right), products);
        Tensor sums = scope.allocate(Shape.of(left.shape().size(0)), DType.FLOAT64);
        backend.reductions().reduce(Reduction.SUM, products, 1, 2, sums);
        return sums;
    }

    private Tensor wide(TensorScope scope, Tensor x) {
        if (x.dtype() == DType.FLOAT64) {
            return x;
        }
        Tensor wide = scope.allocate(x.shape(), DType.FLOAT64);
        backend.elementwise().copy(x, wide);
        return wide;
    }
}
