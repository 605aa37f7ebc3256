// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;

/**
 * Factors that bring numbers near 1, so that no square overflows or is lost. As powers of two they round nothing: what
 * is calculated is the same at every scale.
 */
final class PowersOfTwo {

    private PowersOfTwo() {}

    /** e with norm / 2ᵉ in [1/2, 1); 0 of zero and of what is not finite. */
    static int exponent(double norm) {
        return norm > 0 && Double.isFinite(norm) ? Math.getExponent(norm) + 1 : 0;
    }

    /** destination = 2ᵉ · x, which may be the destination. */
    static void scale(Backend backend, Tensor x, int exponent, Tensor destination) {
        // The factor itself has to be a normal number of the type.
        int most = x.dtype() == DType.FLOAT32 ? Float.MAX_EXPONENT - 1 : Double.MAX_EXPONENT - 1;
        int rest = exponent;
        Tensor source = x;
        while (rest != 0) {
            int part = Math.max(-most, Math.min(most, rest));
            backend.elementwise().affine(source, Math.scalb(1.0, part), 0, destination);
            source = destination;
            rest -= part;
        }
        if (source != destination) {
            backend.elementwise().copy(source, destination);
        }
    }

    /** The distance of 1 to the next number. */
    static double precision(DType dtype) {
        return dtype == DType.FLOAT32 ? Math.ulp(1f) : Math.ulp(1d);
    }
}
