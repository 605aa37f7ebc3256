// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Randomness;
import java.util.Arrays;
import java.util.Random;
import org.apache.commons.math3.linear.RealMatrix;

/**
 * A random symmetric matrix of a spectrum of some kind, the greatest absolute eigenvalue being near 1 or 0. Its
 * products round as its element type does, at every step.
 */
final class RandomSystem {

    /** What the eigenvalues are. */
    enum Spectrum {
        DEFINITE,
        CLUSTERED,
        DEGENERATE,
        SEMIDEFINITE,
        ONE_DIRECTION,
        INDEFINITE,
        NEARLY_SINGULAR,
        NEGATIVE,
        ZERO
    }

    final DType dtype;
    final Spectrum spectrum;
    final int size;

    /** Entries that the element type holds. */
    final double[][] matrix;

    /** Ascending, of these entries. */
    final double[] eigenvalues;

    RandomSystem(Random random, DType dtype) {
        this.dtype = dtype;
        this.spectrum = Spectrum.values()[random.nextInt(Spectrum.values().length)];
        this.size = 1 + random.nextInt(40);
        // A third is diagonal: exact zeros and invariant subspaces.
        double[] values = values(random);
        RealMatrix dense = random.nextInt(3) == 0
                ? org.apache.commons.math3.linear.MatrixUtils.createRealDiagonalMatrix(values)
                : Matrices.withEigenvalues(random, values);
        this.matrix = dense.getData();
        for (double[] row : matrix) {
            for (int i = 0; i < size; i++) {
                row[i] = held(row[i]);
            }
        }
        this.eigenvalues = Jacobi.eigenvalues(matrix);
    }

    private double[] values(Random random) {
        double[] values = new double[size];
        double decades = random.nextDouble() * (dtype == DType.FLOAT32 ? 3 : 9);
        for (int i = 0; i < size; i++) {
            double definite = Math.pow(10, -decades * random.nextDouble());
            values[i] = switch (spectrum) {
                case DEFINITE -> definite;
                case CLUSTERED -> (i % 3 + 1) / 3.0 * (1 + 1e-6 * random.nextDouble());
                case DEGENERATE -> (i % 3 + 1) / 4.0;
                case SEMIDEFINITE -> random.nextBoolean() ? definite : 0;
                case ONE_DIRECTION -> i == 0 ? 1 : 0;
                case INDEFINITE -> random.nextBoolean() ? definite : -definite;
                case NEARLY_SINGULAR -> Math.pow(10, (dtype == DType.FLOAT32 ? -12 : -20) * random.nextDouble());
                case NEGATIVE -> -definite;
                case ZERO -> 0;
            };
        }
        return values;
    }

    double precision() {
        return PowersOfTwo.precision(dtype);
    }

    double held(double value) {
        return dtype == DType.FLOAT32 ? (float) value : value;
    }

    double norm() {
        return Math.max(Math.abs(eigenvalues[0]), Math.abs(eigenvalues[size - 1]));
    }

    double[] vector(Random random) {
        double[] vector = Randomness.normal(random, size);
        for (int i = 0; i < size; i++) {
            vector[i] = held(vector[i]);
        }
        return vector;
    }

    /** A x in double precision. */
    double[] product(double[] x) {
        return Arrays.stream(matrix).mapToDouble(row -> dot(row, x)).toArray();
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    static double norm(double[] a) {
        return Math.sqrt(dot(a, a));
    }

    static double[] scaled(double[] a, int exponent) {
        return Arrays.stream(a).map(value -> Math.scalb(value, exponent)).toArray();
    }

    /** The operator 2^exponent · A. */
    LinearOperator operator(Backend backend, int exponent) {
        double[][] entries =
                Arrays.stream(matrix).map(row -> scaled(row, exponent)).toArray(double[][]::new);
        return new Rounding(backend, dtype, entries);
    }

    /** Adds terms up in the element type. */
    record Rounding(Backend backend, DType dtype, double[][] entries) implements LinearOperator {

        @Override
        public long rows() {
            return entries.length;
        }

        @Override
        public long columns() {
            return entries.length;
        }

        @Override
        public void multiply(Tensor x, Tensor destination) {
            Vectors.check(this, x, destination);
            double[] vectors = x.toDoubleArray();
            int size = entries.length;
            double[] products = new double[vectors.length];
            for (int v = 0; v < vectors.length / size; v++) {
                for (int i = 0; i < size; i++) {
                    double sum = 0;
                    for (int j = 0; j < size; j++) {
                        double term = entries[i][j] * vectors[v * size + j];
                        sum = dtype == DType.FLOAT32 ? (float) sum + (float) term : sum + term;
                    }
                    products[v * size + i] = sum;
                }
            }
            destination.write(0, products, 0, products.length);
        }
    }

    @Override
    public String toString() {
        return "%s %s of size %d, eigenvalues %s".formatted(dtype, spectrum, size, Arrays.toString(eigenvalues));
    }
}
