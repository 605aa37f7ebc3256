// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Dense square matrices in 60 decimal digits without limits of size: an oracle that knows no rounding, overflow or
 * underflow worth the name.
 */
record ExactMatrix(BigDecimal[][] rows) {

    static final MathContext DIGITS = new MathContext(60);

    /** Row-major numbers, from {@code first} on. */
    static ExactMatrix of(double[] entries, int first, int n) {
        BigDecimal[][] rows = new BigDecimal[n][n];
        for (int i = 0; i < n * n; i++) {
            rows[i / n][i % n] = new BigDecimal(entries[first + i]);
        }
        return new ExactMatrix(rows);
    }

    int size() {
        return rows.length;
    }

    BigDecimal at(int row, int column) {
        return rows[row][column];
    }

    BigDecimal trace() {
        BigDecimal sum = BigDecimal.ZERO;
        for (int i = 0; i < size(); i++) {
            sum = sum.add(rows[i][i], DIGITS);
        }
        return sum;
    }

    ExactMatrix damped(BigDecimal damping) {
        BigDecimal[][] damped = new BigDecimal[size()][];
        for (int i = 0; i < size(); i++) {
            damped[i] = rows[i].clone();
            damped[i][i] = damped[i][i].add(damping, DIGITS);
        }
        return new ExactMatrix(damped);
    }

    /** An inverse and the determinant; no inverse if that is zero. */
    record Solved(BigDecimal determinant, ExactMatrix inverse) {}

    /** Gauss and Jordan, with the largest pivot of each column. */
    Solved solve() {
        int n = size();
        BigDecimal[][] left = new BigDecimal[n][];
        BigDecimal[][] right = new BigDecimal[n][n];
        for (int i = 0; i < n; i++) {
            left[i] = rows[i].clone();
            for (int j = 0; j < n; j++) {
                right[i][j] = i == j ? BigDecimal.ONE : BigDecimal.ZERO;
            }
        }
        BigDecimal determinant = BigDecimal.ONE;
        for (int column = 0; column < n; column++) {
            int best = column;
            for (int i = column; i < n; i++) {
                best = left[i][column].abs().compareTo(left[best][column].abs()) > 0 ? i : best;
            }
            BigDecimal pivot = left[best][column];
            if (pivot.signum() == 0) {
                return new Solved(BigDecimal.ZERO, this);
            }
            if (best != column) {
                swap(left, best, column);
                swap(right, best, column);
                determinant = determinant.negate();
            }
            determinant = determinant.multiply(pivot, DIGITS);
            for (int j = 0; j < n; j++) {
                left[column][j] = left[column][j].divide(pivot, DIGITS);
                right[column][j] = right[column][j].divide(pivot, DIGITS);
            }
            for (int i = 0; i < n; i++) {
                BigDecimal factor = left[i][column];
                if (i != column && factor.signum() != 0) {
                    subtract(left, i, column, factor);
                    subtract(right, i, column, factor);
                }
            }
        }
        return new Solved(determinant, new ExactMatrix(right));
    }

    private static void swap(BigDecimal[][] rows, int a, int b) {
        BigDecimal[] row = rows[a];
        rows[a] = rows[b];
        rows[b] = row;
    }

    private static void subtract(BigDecimal[][] rows, int target, int source, BigDecimal factor) {
        for (int j = 0; j < rows.length; j++) {
            rows[target][j] = rows[target][j].subtract(factor.multiply(rows[source][j], DIGITS), DIGITS);
        }
    }

    /** log |x|, of any size. */
    static double logarithm(BigDecimal x) {
        BigDecimal rounded = x.abs().round(new MathContext(17));
        return Math.log(rounded.unscaledValue().doubleValue()) - rounded.scale() * Math.log(10);
    }

    BigDecimal largestEntry() {
        BigDecimal largest = BigDecimal.ZERO;
        for (BigDecimal[] row : rows) {
            for (BigDecimal entry : row) {
                largest = largest.max(entry.abs());
            }
        }
        return largest;
    }

    double largest() {
        return largestEntry().doubleValue();
    }
}
