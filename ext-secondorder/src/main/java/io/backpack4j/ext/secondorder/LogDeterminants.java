// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * Logarithms of determinants of blocks G ⊗ A, which have one such block per group on their diagonal.
 *
 * @param backend whose tensors the factors are
 * @param sizes of the factors
 */
record LogDeterminants(Backend backend, KroneckerSizes sizes) {

    private static final ProblemId SINGULAR = CommonProblems.NOT_POSITIVE_DEFINITE;

    /** log det (G ⊗ A) = dim A · log det G + dim G · log det A. */
    double undamped(Tensor output, Optional<Tensor> input) {
        double sum = sizes.inputs() * ofFactor(output);
        if (input.isPresent() && sizes.diagonalInputs()) {
            return sum + sizes.outputs() * new DiagonalFactor(backend, input.get()).logDeterminant();
        }
        return input.isPresent() ? sum + sizes.outputs() * ofFactor(input.get()) : sum;
    }

    /** Of all groups together: 2 Σ log L_ii, −∞ if a matrix is singular, or is not only because of rounding. */
    private double ofFactor(Tensor factor) {
        FactorInverses factors = new FactorInverses(backend);
        double[] diagonal = factors.diagonal(factor);
        double[] pivots;
        try (TensorScope scope = backend.openScope()) {
            Tensor triangle = scope.allocate(factor.shape(), factor.dtype());
            backend.decompositions().cholesky(factor, triangle);
            if (!(factors.smallestEigenvalue(triangle, diagonal) > FactorInverses.rounding(factor))) {
                return Double.NEGATIVE_INFINITY;
            }
            pivots = factors.diagonal(triangle);
        } catch (BackpackException e) {
            if (e.problems().stream().allMatch(problem -> problem.id().equals(SINGULAR))) {
                return Double.NEGATIVE_INFINITY;
            }
            throw e;
        }
        double sum = 0;
        for (double pivot : pivots) {
            sum += 2 * Math.log(pivot);
        }
        return sum;
    }

    /** Σ log (γ α + λ), λ being positive. */
    double damped(KroneckerEigen eigen, double damping) {
        double[] outputs = eigen.outputValues().toDoubleArray();
        double[] inputs = eigen.inputValues().map(Tensor::toDoubleArray).orElse(new double[] {1});
        int rows = Math.toIntExact(sizes.outputs());
        int columns = inputs.length / Math.toIntExact(sizes.groups());
        double sum = 0;
        for (int i = 0; i < outputs.length; i++) {
            int group = i / rows;
            for (int j = 0; j < columns; j++) {
                sum += logarithm(Math.max(0, outputs[i]), Math.max(0, inputs[group * columns + j]), damping);
            }
        }
        return sum;
    }

    /** log (a b + c), also where a b overflows; where it vanishes, so it does beside c unless that is as small. */
    private static double logarithm(double a, double b, double c) {
        double product = a * b;
        if (product + c >= Double.MIN_NORMAL && !Double.isInfinite(product + c)) {
            return Math.log(product + c);
        }
        double first = Math.log(a) + Math.log(b);
        double second = Math.log(c);
        double larger = Math.max(first, second);
        return larger + Math.log1p(Math.exp(Math.min(first, second) - larger));
    }
}
