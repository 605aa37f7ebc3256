// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.BackpackException;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.RealVector;

/** The density of targets that a predictive distribution gives. */
record TargetDensity(Predictive predictive) {

    /** Σ_n −log p(y_n). */
    double negativeLogarithm(double[] targets) {
        int outputs = predictive.outputs();
        int needed = predictive.samples() * (predictive.likelihood() == Likelihood.CLASSIFICATION ? 1 : outputs);
        if (targets.length != needed) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "%d targets do not fit %d samples of %d outputs for %s."
                            .formatted(targets.length, predictive.samples(), outputs, predictive.likelihood()));
        }
        return switch (predictive.likelihood()) {
            case CLASSIFICATION -> ofClasses(predictive.probit(), targets);
            case BINARY -> ofAnswers(predictive.probit(), targets);
            case REGRESSION -> ofNumbers(predictive.targetCovariance(), targets);
        };
    }

    private double ofClasses(double[] probabilities, double[] targets) {
        int outputs = predictive.outputs();
        double sum = 0;
        for (int n = 0; n < targets.length; n++) {
            if (targets[n] < 0 || targets[n] >= outputs) {
                throw new BackpackException(
                        LaplaceProblems.INVALID_LAPLACE,
                        "Sample %d has class %d, but there are %d.".formatted(n, (long) targets[n], outputs));
            }
            sum -= Math.log(probabilities[n * outputs + (int) targets[n]]);
        }
        return sum;
    }

    private static double ofAnswers(double[] probabilities, double[] targets) {
        double sum = 0;
        for (int i = 0; i < targets.length; i++) {
            double yes = targets[i] == 0 ? 0 : targets[i] * Math.log(probabilities[i]);
            double no = targets[i] == 1 ? 0 : (1 - targets[i]) * Math.log1p(-probabilities[i]);
            sum -= yes + no;
        }
        return sum;
    }

    /** ½ (rᵀ S⁻¹ r + log det 2πS) per sample, r being the residual and S the covariance of targets. */
    private double ofNumbers(double[] covariance, double[] targets) {
        int outputs = predictive.outputs();
        double sum = 0;
        for (int n = 0; n < predictive.samples(); n++) {
            Array2DRowRealMatrix matrix = new Array2DRowRealMatrix(outputs, outputs);
            RealVector residual = new ArrayRealVector(outputs);
            for (int c = 0; c < outputs; c++) {
                residual.setEntry(c, targets[n * outputs + c] - predictive.mean()[n * outputs + c]);
                for (int d = 0; d < outputs; d++) {
                    matrix.setEntry(c, d, covariance[(n * outputs + c) * outputs + d]);
                }
            }
            LUDecomposition factors = new LUDecomposition(matrix, 0);
            double distance = residual.dotProduct(factors.getSolver().solve(residual));
            double logarithms = outputs * Math.log(2 * Math.PI);
            for (int c = 0; c < outputs; c++) {
                logarithms += Math.log(Math.abs(factors.getU().getEntry(c, c)));
            }
            sum += (distance + logarithms) / 2;
        }
        return sum;
    }
}
