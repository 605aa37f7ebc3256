package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Merges counts, sums and centred squares of two parts (Chan, Golub, LeVeque 1979): M = M_a + M_b + δ² n_a n_b / (n_a + n_b). */
final class Moments {

    private Moments() {}

    /** Merges part b into part a. */
    static void merge(
            Backend backend, Tensor sumA, Tensor squaresA, long countA, Tensor sumB, Tensor squaresB, long countB) {
        if (countB == 0) {
            return;
        }
        var ops = backend.elementwise();
        try (TensorScope scope = backend.openScope()) {
            Tensor meanA = scope.allocate(sumA.shape(), sumA.dtype());
            ops.affine(sumA, 1.0 / Math.max(1, countA), 0, meanA);
            Tensor difference = scope.allocate(sumA.shape(), sumA.dtype());
            ops.affine(sumB, 1.0 / countB, 0, difference);
            ops.combine(BinaryOperation.SUBTRACT, difference, meanA, difference);
            ops.apply(UnaryOperation.SQUARE, difference, difference);
            ops.addScaled((double) countA * countB / (countA + countB), difference, squaresA);
        }
        ops.addScaled(1, squaresB, squaresA);
        ops.addScaled(1, sumB, sumA);
    }
}
