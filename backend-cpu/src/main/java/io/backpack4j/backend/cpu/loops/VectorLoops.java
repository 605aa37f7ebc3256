// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import java.util.stream.IntStream;

/** Functions of many numbers at a time, in loops that the compiler makes vector instructions of. */
final class VectorLoops {

    private static final double LOG2_E = 1 / Math.log(2);

    /** Log 2 as a number of 32 digits, whose products with whole numbers are exact, and the rest (fdlibm's). */
    private static final double LOG_2 = 6.93147180369123816490e-01;

    private static final double LOG_2_REST = 1.90821492927058770002e-10;

    /** What is added to this is rounded to a whole number, which stands in the last digits of the sum. */
    private static final double WHOLE = 0x1.8p52;

    private static final long WHOLE_BITS = Double.doubleToRawLongBits(WHOLE);

    /** Digits of a double behind the exponent. */
    private static final int MANTISSA = 52;

    private static final int BIAS = 1023;

    /** Below this, exponentials are 0. */
    private static final double LEAST = -750;

    /** 1 / n!: what is behind them is below 1e-17 for numbers up to log(2) / 2. */
    private static final double[] RECIPROCAL_FACTORIALS =
            IntStream.range(0, 14).mapToDouble(VectorLoops::reciprocalFactorial).toArray();

    private VectorLoops() {}

    private static double reciprocalFactorial(int n) {
        return 1 / IntStream.rangeClosed(1, n).asDoubleStream().reduce(1, (a, b) -> a * b);
    }

    /**
     * result = exp(y), numbers below the least normal one being 0.
     *
     * @param y at most 0; lost
     * @param work lost
     */
    static void exp(double[] y, double[] work, double[] result, int count) {
        for (int i = 0; i < count; i++) {
            y[i] = Math.max(y[i], LEAST);
        }
        for (int i = 0; i < count; i++) {
            work[i] = y[i] * LOG2_E + WHOLE;
        }
        for (int i = 0; i < count; i++) {
            y[i] = (y[i] - (work[i] - WHOLE) * LOG_2) - (work[i] - WHOLE) * LOG_2_REST;
        }
        polynomial(RECIPROCAL_FACTORIALS, y, result, count);
        // no vector instructions: numbers' bits
        for (int i = 0; i < count; i++) {
            long power = Double.doubleToRawLongBits(work[i]) - WHOLE_BITS;
            result[i] *= power <= -BIAS ? 0 : Double.longBitsToDouble((power + BIAS) << MANTISSA);
        }
    }

    /** result = Σ of coefficients times powers of u, the lowest first; two more of them in each walk. */
    static void polynomial(double[] coefficients, double[] u, double[] result, int count) {
        int next = coefficients.length - 3;
        fill(coefficients[next + 2], coefficients[next + 1], u, result, count);
        for (; next >= 1; next -= 2) {
            add(coefficients[next], coefficients[next - 1], u, result, count);
        }
        if (next == 0) {
            add(coefficients[0], u, result, count);
        }
    }

    private static void fill(double first, double second, double[] u, double[] result, int count) {
        for (int i = 0; i < count; i++) {
            result[i] = first * u[i] + second;
        }
    }

    private static void add(double first, double second, double[] u, double[] result, int count) {
        for (int i = 0; i < count; i++) {
            result[i] = (result[i] * u[i] + first) * u[i] + second;
        }
    }

    private static void add(double first, double[] u, double[] result, int count) {
        for (int i = 0; i < count; i++) {
            result[i] = result[i] * u[i] + first;
        }
    }
}
