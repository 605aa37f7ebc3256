// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/**
 * A symmetric matrix Σ_k λ_k e_k e_kᵀ of rank K, by its eigenpairs, and functions of it that touch no direction but
 * these: a damped inverse, a log-determinant. Belongs to one thread; the vectors belong to whoever made it and must
 * stay open.
 *
 * <pre>{@code
 * List<Tensor> evals = results.network(eigenvectors);
 * Map<String, Tensor> evecs = …; // results.get(eigenvectors, name) of the parameters of a group
 * LinearOperator inverse = LowRankOperator.of(scope, layout, evals.get(0), evecs).dampedInverse(0.1);
 * }</pre>
 */
public final class LowRankOperator implements LinearOperator {

    private final Backend backend;
    private final Tensor vectors;
    private final double[] eigenvalues;

    private LowRankOperator(Backend backend, Tensor vectors, double[] eigenvalues) {
        this.backend = backend;
        this.vectors = vectors;
        this.eigenvalues = eigenvalues;
    }

    /**
     * By flat eigenvectors.
     *
     * @param eigenvalues λ_k, finite
     * @param vectors e_k, {@code [K, size]}, orthonormal. Read as long as the operator is used
     * @throws BackpackException if their numbers differ, or an eigenvalue is not finite
     */
    public static LowRankOperator of(Backend backend, double[] eigenvalues, Tensor vectors) {
        Shape shape = vectors.shape();
        if (shape.rank() != 2 || shape.size(0) != eigenvalues.length) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "A low-rank operator of %d eigenvalues needs eigenvectors [%d, size], but has %s."
                            .formatted(eigenvalues.length, eigenvalues.length, shape));
        }
        for (double eigenvalue : eigenvalues) {
            if (!Double.isFinite(eigenvalue)) {
                throw new BackpackException(
                        CommonProblems.NOT_FINITE,
                        "A low-rank operator needs finite eigenvalues, but has %s.".formatted(eigenvalue));
            }
        }
        return new LowRankOperator(backend, vectors, eigenvalues.clone());
    }

    /**
     * By eigenvectors over parameters, such as those of {@code GgnEigenvectors}.
     *
     * @param scope owns the flat eigenvectors, {@code [K, size]}
     * @param layout of the parameters of the group
     * @param eigenvalues λ_k, {@code [K]}
     * @param vectors e_k, {@code [K, *p]} by parameter
     * @throws BackpackException if shapes do not fit the layout, or an eigenvalue is not finite
     */
    public static LowRankOperator of(
            TensorScope scope, ParameterLayout layout, Tensor eigenvalues, Map<String, Tensor> vectors) {
        double[] values = eigenvalues.toDoubleArray();
        Tensor flat = scope.allocate(Shape.of(values.length, layout.size()), layout.dtype());
        layout.join(vectors, flat);
        return of(layout.backend(), values, flat);
    }

    /** K. */
    public int rank() {
        return eigenvalues.length;
    }

    /** λ_k, in the order of the eigenvectors. */
    public double[] eigenvalues() {
        return eigenvalues.clone();
    }

    @Override
    public long rows() {
        return vectors.shape().size(1);
    }

    @Override
    public long columns() {
        return rows();
    }

    @Override
    public DType dtype() {
        return vectors.dtype();
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void multiply(Tensor x, Tensor destination) {
        Vectors.check(this, x, destination);
        add(x, eigenvalue -> eigenvalue, 0, destination);
    }

    /**
     * (A + δI)⁻¹ on the whole space: 1/δ beside the eigenvectors.
     *
     * @throws BackpackException if δ, or δ plus an eigenvalue, is not positive
     */
    public LinearOperator dampedInverse(double damping) {
        requirePositive(damping);
        return new Function(this, eigenvalue -> 1 / (eigenvalue + damping) - 1 / damping, 1 / damping);
    }

    /**
     * log det(A + δI), over all {@link #rows} directions.
     *
     * @throws BackpackException if δ, or δ plus an eigenvalue, is not positive
     */
    public double logDeterminant(double damping) {
        requirePositive(damping);
        double others = (rows() - rank()) * Math.log(damping);
        return others
                + Arrays.stream(eigenvalues)
                        .map(eigenvalue -> Math.log(eigenvalue + damping))
                        .sum();
    }

    private void requirePositive(double damping) {
        double least = Arrays.stream(eigenvalues).min().orElse(0);
        if (!(damping > 0 && damping + Math.min(0, least) > 0 && Double.isFinite(damping))) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The damping is %s, but must be finite and more than 0 and, with the least eigenvalue %s, make a positive definite matrix."
                            .formatted(damping, least));
        }
    }

    /** destination = Σ_k f(λ_k) e_k ⟨e_k, x⟩ + rest · x. */
    private void add(Tensor x, DoubleUnaryOperator function, double rest, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor products = scope.allocate(Shape.of(x.shape().size(0), rank()), dtype());
            backend.products().multiply(x, false, vectors, true, 1, 0, products);
            double[] factors = Arrays.stream(eigenvalues).map(function).toArray();
            Tensor scales = backend.upload(scope, Shape.of(rank()), dtype(), factors);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, products, scales, products);
            backend.products().multiply(products, false, vectors, false, 1, 0, destination);
            if (rest != 0) {
                backend.elementwise().addScaled(rest, x, destination);
            }
        }
    }

    /** Another function of the eigenvalues, and a multiple of the identity. */
    private record Function(LowRankOperator operator, DoubleUnaryOperator function, double rest)
            implements LinearOperator {

        @Override
        public long rows() {
            return operator.rows();
        }

        @Override
        public long columns() {
            return operator.rows();
        }

        @Override
        public DType dtype() {
            return operator.dtype();
        }

        @Override
        public Backend backend() {
            return operator.backend;
        }

        @Override
        public void multiply(Tensor x, Tensor destination) {
            Vectors.check(this, x, destination);
            operator.add(x, function, rest, destination);
        }
    }
}
