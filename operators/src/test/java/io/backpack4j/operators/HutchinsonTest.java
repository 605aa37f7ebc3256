// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.operators.Hutchinson.DiagonalEstimate;
import io.backpack4j.operators.Hutchinson.Estimate;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Numbers;
import java.util.stream.DoubleStream;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HutchinsonTest extends OperatorTestBase {

    /** How often a normal variable lies within one and two standard deviations: 68.3 % and 95.4 %. */
    @ParameterizedTest
    @EnumSource
    void estimatesCoverTheTruthAtTheirError(Distribution distribution) {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 20, 20));
        DenseOperator operator = operator(matrix);
        int runs = 1000;
        int one = 0;
        int two = 0;
        double bias = 0;
        double variance = 0;
        long seed = random.nextLong();
        for (int run = 0; run < runs; run++) {
            Estimate estimate = Hutchinson.of(40)
                    .distribution(distribution)
                    .seed(seed + run)
                    .trace(operator);
            double error = estimate.mean() - matrix.getTrace();
            one += Math.abs(error) <= estimate.standardError() ? 1 : 0;
            two += Math.abs(error) <= 2 * estimate.standardError() ? 1 : 0;
            bias += error / runs;
            variance += error * error / runs;
        }
        // Five standard deviations of a count: sqrt(1000 · 0.68 · 0.32) = 14.7 and sqrt(1000 · 0.95 · 0.05) = 6.9; one
        // more percent for 40 samples.
        assertThat(one).isBetween(683 - 84, 683 + 84);
        assertThat(two).isBetween(954 - 45, 954 + 45);
        double squares = DoubleStream.of(Matrices.flat(matrix)).map(x -> x * x).sum();
        double diagonal = DoubleStream.of(diagonal(matrix)).map(x -> x * x).sum();
        double theory = 2 * (distribution == Distribution.NORMAL ? squares : squares - diagonal) / 40;
        assertThat(variance).isCloseTo(theory, within(0.25 * theory));
        assertThat(Math.abs(bias)).isLessThan(5 * Math.sqrt(theory / runs));
    }

    private static double[] diagonal(RealMatrix matrix) {
        double[] diagonal = new double[matrix.getRowDimension()];
        for (int i = 0; i < diagonal.length; i++) {
            diagonal[i] = matrix.getEntry(i, i);
        }
        return diagonal;
    }

    @Test
    void diagonalMatricesAreExact() {
        RealMatrix matrix = MatrixUtils.createRealDiagonalMatrix(new double[] {1, -2, 3.5, 0});
        Estimate estimate = Hutchinson.of(3).trace(operator(matrix));
        assertThat(estimate.mean()).isEqualTo(2.5);
        assertThat(estimate.standardError()).isZero();
        DiagonalEstimate diagonal = Hutchinson.of(3).diagonal(scope, operator(matrix));
        Numbers.assertClose("diagonal", diagonal.mean().toDoubleArray(), new double[] {1, -2, 3.5, 0}, 0);
        Numbers.assertClose("error", diagonal.standardError().toDoubleArray(), new double[4], 0);
    }

    @ParameterizedTest
    @EnumSource
    void diagonalsAreCovered(Distribution distribution) {
        int size = 400;
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, size, size));
        DiagonalEstimate estimate = Hutchinson.of(60)
                .distribution(distribution)
                .seed(random.nextLong())
                .diagonal(scope, operator(matrix));
        double[] mean = estimate.mean().toDoubleArray();
        double[] error = estimate.standardError().toDoubleArray();
        int two = 0;
        for (int i = 0; i < size; i++) {
            two += Math.abs(mean[i] - matrix.getEntry(i, i)) <= 2 * error[i] ? 1 : 0;
        }
        // Entries share their vectors, so their errors are nearly, not wholly, independent: 95 % ± 6 %.
        assertThat(two / (double) size).isBetween(0.89, 1.0);
    }

    /** The sum of a diagonal's estimate is the trace's, from the same vectors. */
    @Test
    void blocksDoNotMatter() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 15, 15));
        Estimate expected = Hutchinson.of(11).block(1).trace(operator(matrix));
        for (int block : new int[] {2, 8, 11, 50}) {
            DenseOperator operator = operator(matrix);
            Estimate estimate = Hutchinson.of(11).block(block).trace(operator);
            assertThat(estimate.mean()).isCloseTo(expected.mean(), within(1e-10));
            assertThat(estimate.standardError()).isCloseTo(expected.standardError(), within(1e-10));
            assertThat(operator.vectors()).isEqualTo(11);
            DiagonalEstimate diagonal = Hutchinson.of(11).block(block).diagonal(scope, operator);
            assertThat(DoubleStream.of(diagonal.mean().toDoubleArray()).sum())
                    .isCloseTo(expected.mean(), within(1e-10));
        }
        assertThat(Hutchinson.of(11).seed(1).trace(operator(matrix)).mean()).isNotEqualTo(expected.mean());
    }

    /** By the definition of the standard error. */
    @Test
    void errorsAreStandardErrors() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 6, 6));
        Tensor z = scope.allocate(Shape.of(9, 6), DType.FLOAT64);
        Vectors.draw(backend, Distribution.RADEMACHER, new RandomKey(3, 0, 0).stream("Hutchinson"), 0, z);
        RealMatrix vectors = Matrices.matrix(z);
        RealMatrix forms = vectors.multiply(matrix).multiply(vectors.transpose());
        double mean = DoubleStream.of(diagonal(forms)).average().orElseThrow();
        double variance = DoubleStream.of(diagonal(forms))
                        .map(q -> (q - mean) * (q - mean))
                        .sum()
                / 8;
        Estimate estimate = Hutchinson.of(9).seed(3).trace(operator(matrix));
        assertThat(estimate.mean()).isCloseTo(mean, within(1e-12));
        assertThat(estimate.standardError()).isCloseTo(Math.sqrt(variance / 9), within(1e-12));
    }

    @Test
    void signsAreSigns() {
        for (DType dtype : new DType[] {DType.FLOAT32, DType.FLOAT64}) {
            Tensor z = scope.allocate(Shape.of(10, 1000), dtype);
            Vectors.draw(backend, Distribution.RADEMACHER, new RandomKey(random.nextLong(), 0, 0), 0, z);
            double[] signs = z.toDoubleArray();
            assertThat(DoubleStream.of(signs)).allMatch(sign -> Math.abs(sign) == 1);
            assertThat(Math.abs(DoubleStream.of(signs).sum())).isLessThan(600);
        }
    }

    /** Squares of 1e200 overflow, those of 1e-200 are zero; estimates are neither. */
    @Test
    void estimatesOfAnyScale() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 10, 10));
        Estimate expected = Hutchinson.of(9).trace(operator(matrix));
        DiagonalEstimate diagonal = Hutchinson.of(9).diagonal(scope, operator(matrix));
        for (int exponent : new int[] {-900, -664, 664, 900}) {
            double scale = Math.scalb(1.0, exponent);
            DenseOperator operator = operator(matrix.scalarMultiply(scale));
            assertThat(Hutchinson.of(9).trace(operator))
                    .isEqualTo(new Estimate(expected.mean() * scale, expected.standardError() * scale, 9));
            DiagonalEstimate scaled = Hutchinson.of(9).diagonal(scope, operator);
            Numbers.assertClose(
                    "diagonal",
                    Matrices.flat(Matrices.matrix(scaled.mean()).scalarMultiply(1 / scale)),
                    diagonal.mean().toDoubleArray(),
                    0);
            Numbers.assertClose(
                    "error",
                    Matrices.flat(Matrices.matrix(scaled.standardError()).scalarMultiply(1 / scale)),
                    diagonal.standardError().toDoubleArray(),
                    0);
        }
        Estimate zero = Hutchinson.of(2).trace(operator(matrix.scalarMultiply(0)));
        assertThat(zero).isEqualTo(new Estimate(0, 0, 2));
        DiagonalEstimate zeros = Hutchinson.of(2).diagonal(scope, operator(matrix.scalarMultiply(0)));
        assertThat(zeros.mean().toDoubleArray()).containsOnly(0);
        assertThat(zeros.standardError().toDoubleArray()).containsOnly(0);
    }

    @Test
    void singlePrecisionIsSummedInDoublePrecision() {
        RealMatrix matrix = Matrices.semidefinite(random, 30, 30)
                .add(MatrixUtils.createRealIdentityMatrix(30).scalarMultiply(1000));
        DenseOperator operator = new DenseOperator(backend, DType.FLOAT32, matrix);
        Estimate single = Hutchinson.of(20).trace(operator);
        Estimate twice = Hutchinson.of(20).trace(operator(matrix));
        // 30 products of the size 1000 that round at 6e-8.
        assertThat(single.mean()).isCloseTo(twice.mean(), within(2e-3));
        DiagonalEstimate diagonal = Hutchinson.of(20).diagonal(scope, operator);
        assertThat(diagonal.mean().dtype()).isEqualTo(DType.FLOAT32);
        Numbers.assertClose(
                "diagonal",
                diagonal.mean().toDoubleArray(),
                Hutchinson.of(20).diagonal(scope, operator(matrix)).mean().toDoubleArray(),
                1e-6);
    }

    @Test
    void wrongArgumentsAreRefused() {
        refused("InvalidArgument", () -> Hutchinson.of(1));
        refused("InvalidArgument", () -> Hutchinson.of(2).block(0));
        refused("NotSquare", () -> Hutchinson.of(2).trace(operator(Matrices.normal(random, 2, 3))));
    }

    private static void refused(String id, Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class).hasMessageContaining("[" + id + "]");
    }
}
