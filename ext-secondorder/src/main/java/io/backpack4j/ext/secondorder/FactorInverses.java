package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * Inverses of factors {@code [n, n]}, or {@code [G, n, n]} with several groups. Only diagonals come to the host; the rest stays with the backend.
 *
 * @param backend whose tensors the factors are
 */
record FactorInverses(Backend backend) {

    /** How much rounding a pivot of a small matrix may be, in units of the type's epsilon times the diagonal. */
    private static final double ROUNDING = 16;

    /** The diagonals of all groups, one after the other. */
    double[] diagonal(Tensor factor) {
        try (TensorScope scope = backend.openScope()) {
            Tensor diagonal = scope.allocate(rows(factor), factor.dtype());
            backend.indexing().extractDiagonal(factor, diagonal);
            return diagonal.toDoubleArray();
        }
    }

    /** The means of the diagonal, per group. */
    double[] means(Tensor factor) {
        double[] diagonal = diagonal(factor);
        int size = Math.toIntExact(factor.shape().size(-1));
        double[] means = new double[size == 0 ? 0 : diagonal.length / size];
        for (int i = 0; i < diagonal.length; i++) {
            means[i / size] += diagonal[i] / size;
        }
        return means;
    }

    /**
     * (factor + damping[g] I)⁻¹ of every group.
     *
     * @param target the scope of the result; nothing is left there if this fails
     */
    Tensor inverse(TensorScope target, Tensor factor, double... damping) {
        Tensor inverse = target.allocate(factor.shape(), factor.dtype());
        try {
            backend.elementwise().copy(factor, inverse);
            double[] damped = addToDiagonal(inverse, damping);
            backend.decompositions().cholesky(inverse, inverse);
            backend.decompositions().choleskyInverse(inverse, inverse);
            requireFinite(inverse, damping);
            requireDigits(inverse, damped, damping);
            return inverse;
        } catch (RuntimeException e) {
            inverse.close();
            throw e;
        }
    }

    /** Returns the new diagonal. */
    private double[] addToDiagonal(Tensor matrices, double... damping) {
        try (TensorScope scope = backend.openScope()) {
            Tensor diagonal = scope.allocate(rows(matrices), matrices.dtype());
            backend.indexing().extractDiagonal(matrices, diagonal);
            double[] values = diagonal.toDoubleArray();
            int size = Math.toIntExact(matrices.shape().size(-1));
            for (int i = 0; i < values.length; i++) {
                values[i] += damping[i / size];
            }
            diagonal.write(0, values, 0, values.length);
            backend.indexing().insertDiagonal(diagonal, matrices);
            return diagonal.toDoubleArray();
        }
    }

    private void requireFinite(Tensor inverse, double... damping) {
        if (!backend.reductions().allFinite(inverse)) {
            throw new BackpackException(
                    "NotFinite",
                    "The inverse of a factor of shape %s, damped by %s, has numbers that are too large for %s. Use more damping, or float64."
                            .formatted(inverse.shape(), largest(damping), inverse.dtype()));
        }
    }

    /**
     * Fails if a row depends on the others but for rounding. 1 / (a_ii a⁻¹_ii) is the part of a_ii that the other rows leave, whatever the scales
     * of rows are: what elimination would leave there last.
     */
    private void requireDigits(Tensor inverse, double[] damped, double... damping) {
        double[] ofInverse = diagonal(inverse);
        int size = Math.toIntExact(inverse.shape().size(-1));
        double least = rounding(inverse.dtype(), size);
        for (int i = 0; i < ofInverse.length; i++) {
            double left = 1 / damped[i] / ofInverse[i];
            if (!(left > least)) {
                throw new BackpackException(
                        "NotPositiveDefinite",
                        "A factor of shape %s, damped by %s, is not positive definite but for rounding: the other rows leave %s of entry [%d, %<d] of matrix %d, and rounding in %s makes up to %s. Add damping."
                                .formatted(
                                        inverse.shape(),
                                        largest(damping),
                                        left,
                                        i % size,
                                        i / size,
                                        inverse.dtype(),
                                        least));
            }
        }
    }

    /** Which part of a diagonal element rounding can make in a decomposition of so many rows. */
    static double rounding(DType dtype, int size) {
        double epsilon = dtype == DType.FLOAT32 ? Math.ulp(1f) : Math.ulp(1.0);
        return epsilon * Math.max(ROUNDING, Math.sqrt(size));
    }

    private static double largest(double... damping) {
        return Arrays.stream(damping).max().orElse(0);
    }

    private static Shape rows(Tensor factor) {
        return factor.shape().slice(0, factor.shape().rank() - 1);
    }
}
