// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Products G · X · A. Where a factor's largest number is far from 1, it is scaled by a power of two, which rounds
 * nothing, and the product is scaled back: numbers in between stay about as large as those of X.
 *
 * @param backend whose tensors the factors are
 * @param ofLeft G's largest number is about 2 to this; 0 if it is near 1
 * @param ofRight A's
 */
record ScaledProducts(Backend backend, int ofLeft, int ofRight) {

    /** Factors up to 2 to this, and down to its inverse, are used as they are. */
    private static final int NEAR = 16;

    static ScaledProducts of(Backend backend, Tensor left, Tensor right) {
        return new ScaledProducts(backend, exponent(backend, left), exponent(backend, right));
    }

    private static int exponent(Backend backend, Tensor factor) {
        if (factor.shape().elements() == 0) {
            return 0;
        }
        double largest = 0;
        try (TensorScope scope = backend.openScope()) {
            Tensor all = scope.view(factor, Shape.of(factor.shape().elements()));
            Tensor extremum = scope.allocate(Shape.of(), factor.dtype());
            for (Reduction reduction : new Reduction[] {Reduction.MAXIMUM, Reduction.MINIMUM}) {
                backend.reductions().reduce(reduction, all, 0, 1, extremum);
                largest = Math.max(largest, Math.abs(extremum.item()));
            }
        }
        int exponent = Math.getExponent(largest);
        boolean usable = largest >= Double.MIN_NORMAL && exponent <= Double.MAX_EXPONENT;
        return usable && Math.abs(exponent) > NEAR ? exponent : 0;
    }

    /** destination = left · x · right. */
    void multiply(Tensor left, Tensor x, Tensor right, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor half = scope.allocate(destination.shape(), destination.dtype());
            if (ofLeft == 0 && ofRight == 0) {
                backend.products().multiply(left, false, x, false, 1, 0, half);
                backend.products().multiply(half, false, right, false, 1, 0, destination);
                return;
            }
            backend.products().multiply(scaled(scope, left, -ofLeft), false, x, false, 1, 0, half);
            backend.products().multiply(half, false, scaled(scope, right, -ofRight), false, 1, 0, destination);
            scale(destination, ofLeft + ofRight, destination);
        }
    }

    /** destination = left · x · diag(right). */
    void multiplyByDiagonal(Tensor left, Tensor x, Tensor right, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            backend.products().multiply(scaled(scope, left, -ofLeft), false, x, false, 1, 0, destination);
            Tensor diagonal = scaled(scope, right, -ofRight);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, destination, diagonal, destination);
            if (ofLeft + ofRight != 0) {
                scale(destination, ofLeft + ofRight, destination);
            }
        }
    }

    private Tensor scaled(TensorScope scope, Tensor factor, int exponent) {
        if (exponent == 0) {
            return factor;
        }
        Tensor scaled = scope.allocate(factor.shape(), factor.dtype());
        scale(factor, exponent, scaled);
        return scaled;
    }

    /** destination = x times a power of two, in steps that the type holds. */
    private void scale(Tensor x, int exponent, Tensor destination) {
        int most = x.dtype() == DType.FLOAT32 ? Float.MAX_EXPONENT - 1 : Double.MAX_EXPONENT - 1;
        Tensor source = x;
        int left = exponent;
        do {
            int step = Math.max(-most, Math.min(most, left));
            backend.elementwise().affine(source, Math.scalb(1.0, step), 0, destination);
            source = destination;
            left -= step;
        } while (left != 0);
    }
}
