// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * A lower bound of ‖A‖ from a few steps of the power method; R. von Mises, H. Pollaczek-Geiringer (1929), "Praktische
 * Verfahren der Gleichungsauflösung". The first product has the size of a random eigenvalue, the second and third are
 * near the largest.
 *
 * @param norm the greatest ‖Av‖ / ‖v‖
 * @param products how many there were
 */
record OperatorNorm(double norm, int products) {

    private static final int STEPS = 3;

    /** Starts from the same vector at every call. */
    static OperatorNorm estimate(LinearOperator operator) {
        Backend backend = operator.backend();
        double norm = 0;
        int products = 0;
        try (TensorScope scope = backend.openScope()) {
            Tensor vector = scope.allocate(Shape.of(1, operator.columns()), operator.dtype());
            Tensor product = scope.allocate(Shape.of(1, operator.rows()), operator.dtype());
            Vectors.draw(backend, Distribution.NORMAL, new RandomKey(0, 0, 0).stream("OperatorNorm"), 0, product);
            double length = Vectors.norms(backend, product)[0];
            while (products < STEPS && length > 0) {
                PowersOfTwo.scale(backend, product, -PowersOfTwo.exponent(length), vector);
                double before = Math.scalb(length, -PowersOfTwo.exponent(length));
                operator.multiply(vector, product);
                products++;
                length = Vectors.norms(backend, product)[0];
                if (!Double.isFinite(length)) {
                    break;
                }
                norm = Math.max(norm, length / before);
            }
        }
        return new OperatorNorm(norm, products);
    }
}
