// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.operators.Lanczos.Which;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The eigenvalues and eigenvectors of a small symmetric matrix, in double precision, those looked for first. */
final class Ritz {

    private final double[] values;
    private final double[][] vectors;

    private Ritz(double[] values, double[][] vectors) {
        this.values = values;
        this.vectors = vectors;
    }

    /** Of the leading {@code size} rows and columns. */
    static Ritz of(Backend backend, double[][] matrix, int size, Which which) {
        double[] entries = new double[size * size];
        for (int i = 0; i < size; i++) {
            System.arraycopy(matrix[i], 0, entries, i * size, size);
        }
        double[] ascending;
        double[] columns;
        try (TensorScope scope = backend.openScope()) {
            Tensor dense = backend.upload(scope, Shape.of(size, size), DType.FLOAT64, entries);
            Tensor eigenvalues = scope.allocate(Shape.of(size), DType.FLOAT64);
            Tensor eigenvectors = scope.allocate(Shape.of(size, size), DType.FLOAT64);
            backend.decompositions().symmetricEigen(dense, eigenvalues, eigenvectors);
            ascending = eigenvalues.toDoubleArray();
            columns = eigenvectors.toDoubleArray();
        }
        Comparator<Integer> smallest = Comparator.comparingDouble(i -> ascending[i]);
        Comparator<Integer> order = switch (which) {
            case SMALLEST -> smallest;
            case LARGEST -> smallest.reversed();
            case LARGEST_MAGNITUDE ->
                Comparator.<Integer>comparingDouble(i -> Math.abs(ascending[i])).reversed();
        };
        List<Integer> sorted = IntStream.range(0, size).boxed().sorted(order).toList();
        double[] values = new double[size];
        double[][] vectors = new double[size][size];
        for (int i = 0; i < size; i++) {
            values[i] = ascending[sorted.get(i)];
            for (int row = 0; row < size; row++) {
                vectors[i][row] = columns[row * size + sorted.get(i)];
            }
        }
        return new Ritz(values, vectors);
    }

    double value(int index) {
        return values[index];
    }

    double[] vector(int index) {
        return vectors[index];
    }

    /** The largest absolute value. */
    double norm() {
        double norm = 0;
        for (double value : values) {
            norm = Math.max(norm, Math.abs(value));
        }
        return norm;
    }

    /**
     * The largest residual norm of the first pairs: the last entry of a vector times what the basis lacks.
     *
     * @param rest the norm of what the last product has outside of the basis
     */
    double residual(int count, double rest) {
        double largest = 0;
        for (int i = 0; i < count; i++) {
            largest = Math.max(largest, Math.abs(rest * vectors[i][values.length - 1]));
        }
        return largest;
    }
}
