// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class VectorLoopsTest {

    private static double[] exp(double... y) {
        double[] result = new double[y.length];
        VectorLoops.exp(y.clone(), new double[y.length], result, y.length);
        return result;
    }

    @Test
    void exponentialsHaveAllDigits() {
        Random random = new Random(7);
        for (double range : new double[] {1e-9, 1, 30, 708}) {
            double[] y = random.doubles(2000, -range, 0).toArray();
            double[] found = exp(y);
            for (int i = 0; i < y.length; i++) {
                assertThat(found[i] / StrictMath.exp(y[i])).as("exp(%s)", y[i]).isCloseTo(1, within(5e-16));
            }
        }
    }

    @Test
    void exponentialsEndAtZero() {
        assertThat(exp(0, -0.0)).containsExactly(1, 1);
        assertThat(exp(-709, -715, -745, -1000, -1e300, Double.NEGATIVE_INFINITY))
                .containsExactly(0, 0, 0, 0, 0, 0);
        assertThat(exp(Double.NaN, -1)[0]).isNaN();
    }

    @Test
    void polynomialsOfAnyDegree() {
        double[] u = {0, 0.5, -2, 3};
        for (int degree = 1; degree <= 6; degree++) {
            double[] coefficients = new double[degree + 1];
            for (int i = 0; i <= degree; i++) {
                coefficients[i] = i + 2;
            }
            double[] found = new double[u.length];
            VectorLoops.polynomial(coefficients, u, found, u.length);
            for (int i = 0; i < u.length; i++) {
                double expected = 0;
                for (int power = 0; power <= degree; power++) {
                    expected += coefficients[power] * Math.pow(u[i], power);
                }
                assertThat(found[i]).as("degree %s at %s", degree, u[i]).isCloseTo(expected, within(1e-10));
            }
        }
    }
}
