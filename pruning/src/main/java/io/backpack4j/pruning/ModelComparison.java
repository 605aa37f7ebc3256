// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.operators.CurvatureOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * Numbers by which models are compared.
 *
 * <p>Effective parameters: tr B (B + δI)⁻¹ = Σ h/(h + δ), h being eigenvalues of the curvature, or its diagonal: how
 * many directions the data decides on rather than a prior of precision δ (D. MacKay, 1992, "Bayesian interpolation").
 *
 * <p>Takeuchi's information criterion: tr (B + δI)⁻¹ C / N, C = 1/N Σ ∇ℓ_n ∇ℓ_nᵀ: by how much the loss of other samples
 * is expected to exceed that of the N training samples, both as means (K. Takeuchi, 1976; V. Thomas et al., 2020, "On
 * the interplay between noise and curvature and its effect on optimization and generalization").
 */
public final class ModelComparison {

    /** A dense matrix of double precision then takes 128 MiB. */
    private static final long LARGEST = 4096;

    private ModelComparison() {}

    /**
     * Exact numbers.
     *
     * @param parameters P
     * @param effectiveParameters tr B (B + δI)⁻¹
     * @param takeuchi tr (B + δI)⁻¹ C / N
     */
    public record Exact(long parameters, double effectiveParameters, double takeuchi) {}

    /**
     * Effective parameters of diagonal blocks.
     *
     * @param fitted diagonal blocks, such as those of DiagGGNExact
     * @param precision δ, above 0, in units of the curvature: for a mean over N samples, a prior's precision over N
     * @throws BackpackException if a block is not diagonal
     */
    public static double effectiveParameters(FittedCurvature fitted, double precision) {
        requirePositive(precision);
        double sum = 0;
        for (String parameter : fitted.parameters()) {
            double[] diagonal = fitted.diagonal(parameter)
                    .orElseThrow(() -> new BackpackException(
                            CommonProblems.INVALID_ARGUMENT,
                            "The curvature of parameter '%s' is not diagonal. Fit a diagonal one, such as DiagGGNExact, or ask for ModelComparison.exact."
                                    .formatted(parameter)));
            for (double h : diagonal) {
                sum += h / (h + precision);
            }
        }
        return sum;
    }

    /**
     * Numbers of the whole matrix, of small networks, by its eigenvalues: P products of each of two matrices, and P³
     * operations. Modules are in {@link Mode#EVAL}.
     *
     * @param batch all training samples
     * @param matrix such as the Gauss-Newton matrix
     * @param precision δ, above 0
     * @throws BackpackException if there are more than 4096 parameters, or an eigenvalue is below −δ
     */
    public static Exact exact(BackPack backpack, Model model, Batch batch, CurvatureMatrix matrix, double precision) {
        requirePositive(precision);
        Objective objective = Objective.of(backpack, model, batch).options(PassOptions.DEFAULT.mode(Mode.EVAL));
        RealMatrix curvature = dense(objective, matrix);
        RealMatrix second = dense(objective, new CurvatureMatrix.EmpiricalFisher());
        EigenDecompositionSymmetric eigen = new EigenDecompositionSymmetric(curvature);
        RealMatrix vectors = eigen.getV();
        RealMatrix rotated = vectors.transposeMultiply(second).multiply(vectors);
        double effective = 0;
        double trace = 0;
        for (int i = 0; i < curvature.getRowDimension(); i++) {
            double h = eigen.getEigenvalue(i);
            if (!(h + precision > 0)) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "The curvature has an eigenvalue %s, which the precision %s does not make positive. Take the Gauss-Newton matrix, or a larger precision."
                                .formatted(h, precision));
            }
            effective += h / (h + precision);
            trace += rotated.getEntry(i, i) / (h + precision);
        }
        double perSample = perSample(model, batch) / batch.samples();
        return new Exact(curvature.getRowDimension(), effective, trace * perSample);
    }

    /**
     * By what c Σ ∇ℓ∇ℓᵀ, over B, must be multiplied to be C over the mean's B: N c for a mean, where a sample's loss
     * may be an average itself; 1 for a sum, whose matrices are both N times as large.
     */
    private static double perSample(Model model, Batch batch) {
        Shape output = model.outputShape().prepend(batch.samples());
        double factor = model.loss().normaliser(output, batch.targets());
        boolean isMean = factor == model.loss().meanNormaliser(output, batch.targets());
        return isMean ? factor * batch.samples() : 1;
    }

    private static RealMatrix dense(Objective objective, CurvatureMatrix matrix) {
        try (CurvatureOperator operator = CurvatureOperator.of(objective, matrix);
                TensorScope scope = operator.backend().openScope()) {
            if (operator.rows() > LARGEST) {
                throw new BackpackException(
                        CommonProblems.TOO_LARGE,
                        "The model has %d parameters, but a dense matrix is made for at most %d. Ask for numbers of a diagonal curvature."
                                .formatted(operator.rows(), LARGEST));
            }
            int size = (int) operator.rows();
            double[] identity = new double[size * size];
            for (int i = 0; i < size; i++) {
                identity[i * size + i] = 1;
            }
            Shape square = Shape.of(size, size);
            Tensor product = scope.allocate(square, operator.dtype());
            operator.multiply(operator.backend().upload(scope, square, operator.dtype(), identity), product);
            double[] values = product.toDoubleArray();
            RealMatrix dense = MatrixUtils.createRealMatrix(size, size);
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    // Rounding leaves the matrix a little unsymmetric.
                    dense.setEntry(i, j, (values[i * size + j] + values[j * size + i]) / 2);
                }
            }
            return dense;
        }
    }

    private static void requirePositive(double precision) {
        if (!(precision > 0) || Double.isInfinite(precision)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The precision is %s, but must be a number above 0.".formatted(precision));
        }
    }
}
