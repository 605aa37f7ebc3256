// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against dense matrices. */
class KroneckerFactorsTest {

    private static final double TOLERANCE = 1e-9;

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();
    private final Random random = Randomness.of("factors");

    /** A parameter, the sizes of its factors, and whether it has an input side. */
    record Case(Shape parameter, KroneckerSizes sizes, boolean pair) {

        int elements() {
            return (int) parameter.elements();
        }

        /** Where the entry of an output and an input of a group stands. */
        int place(int group, int output, int input) {
            int inner = (int) (sizes.inputs() / sizes.leading());
            int outputs = (int) sizes.outputs();
            int leading = (int) sizes.leading();
            return ((group * leading + input / inner) * outputs + output) * inner + input % inner;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case(Shape.of(3, 4), KroneckerSizes.matrix(3, 4), true),
                new Case(Shape.of(1, 1), KroneckerSizes.matrix(1, 1), true),
                new Case(Shape.of(4, 3, 2), new KroneckerSizes(2, 2, 6, 1, KroneckerConvention.BACKPACK), true),
                new Case(Shape.of(3, 2, 2), new KroneckerSizes(1, 2, 6, 3, KroneckerConvention.BACKPACK), true),
                new Case(Shape.of(4, 3, 2), new KroneckerSizes(2, 3, 4, 2, KroneckerConvention.BACKPACK), true),
                new Case(Shape.of(5), new KroneckerSizes(1, 5, 1, 1, KroneckerConvention.EXPAND), false));
    }

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    /** Random positive definite factors. */
    private KroneckerFactors factors(Case c) {
        Tensor output = definite(c.sizes.outputFactor());
        return c.pair
                ? KroneckerFactors.of(backend, c.parameter, c.sizes, output, definite(c.sizes.inputFactor()))
                : KroneckerFactors.block(backend, c.parameter, output);
    }

    private Tensor definite(Shape shape) {
        Tensor root = backend.upload(scope, shape, DType.FLOAT64, Randomness.normal(random, shape.elements()));
        int n = (int) shape.size(-1);
        double[] identity = IntStream.range(0, (int) shape.elements())
                .mapToDouble(i -> i % (n * n) / n == i % n ? 0.1 : 0)
                .toArray();
        Tensor a = backend.upload(scope, shape, DType.FLOAT64, identity);
        backend.products().multiply(root, false, root, true, 1, 1, a);
        return a;
    }

    private static RealMatrix matrix(Tensor tensor, int group) {
        int n = (int) tensor.shape().size(-1);
        double[] entries = tensor.toDoubleArray();
        RealMatrix matrix = new Array2DRowRealMatrix(n, n);
        for (int i = 0; i < n * n; i++) {
            matrix.setEntry(i / n, i % n, entries[group * n * n + i]);
        }
        return matrix;
    }

    /** G ⊗ A by its definition, with damping on the factors. */
    private static RealMatrix expected(Case c, KroneckerFactors factors, boolean split, double damping) {
        RealMatrix dense = new Array2DRowRealMatrix(c.elements(), c.elements());
        for (int group = 0; group < c.sizes.groups(); group++) {
            RealMatrix output = matrix(factors.output(), group);
            RealMatrix input =
                    c.pair ? matrix(factors.input().orElseThrow(), group) : MatrixUtils.createRealIdentityMatrix(1);
            if (split && c.pair) {
                double pi = Math.sqrt(
                        input.getTrace() / input.getRowDimension() / (output.getTrace() / output.getRowDimension()));
                output = damped(output, Math.sqrt(damping) / pi);
                input = damped(input, Math.sqrt(damping) * pi);
            } else if (split) {
                output = damped(output, damping);
            }
            int outputs = output.getRowDimension();
            int inputs = input.getRowDimension();
            for (int i = 0; i < outputs * inputs; i++) {
                for (int j = 0; j < outputs * inputs; j++) {
                    dense.setEntry(
                            c.place(group, i / inputs, i % inputs),
                            c.place(group, j / inputs, j % inputs),
                            output.getEntry(i / inputs, j / inputs) * input.getEntry(i % inputs, j % inputs));
                }
            }
        }
        return split ? dense : damped(dense, damping);
    }

    private static RealMatrix damped(RealMatrix matrix, double damping) {
        return matrix.add(
                MatrixUtils.createRealIdentityMatrix(matrix.getRowDimension()).scalarMultiply(damping));
    }

    private static double[] flat(RealMatrix matrix) {
        return Arrays.stream(matrix.getData()).flatMapToDouble(Arrays::stream).toArray();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theDenseFormIsTheDefinition(Case c) {
        KroneckerFactors factors = factors(c);
        Numbers.assertClose(
                "dense", factors.dense(scope).toDoubleArray(), flat(expected(c, factors, false, 0)), TOLERANCE);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void productsAreThoseOfTheDenseForm(Case c) {
        KroneckerFactors factors = factors(c);
        Tensor vectors = vectors(c);

        Tensor products = factors.multiply(scope, vectors);

        assertThat(products.shape()).isEqualTo(vectors.shape());
        Numbers.assertClose(
                "products", products.toDoubleArray(), product(expected(c, factors, false, 0), vectors), TOLERANCE);
    }

    private Tensor vectors(Case c) {
        Shape shape = c.parameter.prepend(3);
        return backend.upload(scope, shape, DType.FLOAT64, Randomness.normal(random, shape.elements()));
    }

    private static double[] product(RealMatrix matrix, Tensor vectors) {
        int n = matrix.getRowDimension();
        double[] entries = vectors.toDoubleArray();
        double[] result = new double[entries.length];
        for (int k = 0; k < entries.length / n; k++) {
            double[] row = matrix.operate(Arrays.copyOfRange(entries, k * n, (k + 1) * n));
            System.arraycopy(row, 0, result, k * n, n);
        }
        return result;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theDampedInverseInvertsTheSplitBlock(Case c) {
        KroneckerFactors factors = factors(c);
        for (double damping : new double[] {0, 0.01, 2}) {
            RealMatrix inverse = new LUDecomposition(expected(c, factors, true, damping))
                    .getSolver()
                    .getInverse();
            Tensor vectors = vectors(c);

            Tensor solved = factors.dampedInverse(scope, damping).multiply(scope, vectors);

            Numbers.assertClose("inverse", solved.toDoubleArray(), product(inverse, vectors), TOLERANCE);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theLogarithmOfTheDeterminantIsThatOfTheDenseForm(Case c) {
        KroneckerFactors factors = factors(c);
        for (double damping : new double[] {0, 0.01, 2}) {
            RealMatrix dense = expected(c, factors, false, damping);
            double[] values = new EigenDecomposition(symmetric(dense)).getRealEigenvalues();
            double expected = Arrays.stream(values).map(Math::log).sum();
            assertThat(factors.logDeterminant(damping)).isCloseTo(expected, within(1e-7 * (1 + Math.abs(expected))));
        }
    }

    private static RealMatrix symmetric(RealMatrix matrix) {
        return matrix.add(matrix.transpose()).scalarMultiply(0.5);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void eigenvectorsMakeTheFactors(Case c) {
        KroneckerFactors factors = factors(c);
        KroneckerEigen eigen = factors.eigendecomposition(scope);
        assertThat(eigen.inputValues().isPresent()).isEqualTo(c.pair);
        assertThat(eigen.outputValues()
                        .shape()
                        .append(eigen.outputValues().shape().size(-1)))
                .isEqualTo(factors.output().shape());
        int n = (int) c.sizes.outputs();
        for (int group = 0; group < c.sizes.groups(); group++) {
            RealMatrix vectors = matrix(eigen.outputVectors(), group);
            double[] values = Arrays.copyOfRange(eigen.outputValues().toDoubleArray(), group * n, (group + 1) * n);
            RealMatrix product = vectors.multiply(MatrixUtils.createRealDiagonalMatrix(values))
                    .multiply(vectors.transpose());
            Numbers.assertClose("output side", flat(product), flat(matrix(factors.output(), group)), TOLERANCE);
        }
    }

    @Test
    void aFactorOfZeroIsInvertedWithDamping() {
        Tensor zero = backend.upload(scope, Shape.of(2, 2), DType.FLOAT64, new double[4]);
        Tensor one = backend.upload(scope, Shape.of(1, 1), DType.FLOAT64, new double[] {1});
        KroneckerFactors factors = KroneckerFactors.of(backend, Shape.of(2, 1), KroneckerSizes.matrix(2, 1), zero, one);

        KroneckerFactors inverse = factors.dampedInverse(scope, 4);

        assertThat(inverse.output().toDoubleArray()).containsExactly(new double[] {0.5, 0, 0, 0.5}, within(1e-15));
        assertThat(inverse.input().orElseThrow().toDoubleArray())
                .containsExactly(new double[] {1.0 / 3}, within(1e-15));
        assertThat(factors.logDeterminant(4)).isCloseTo(2 * Math.log(4), within(1e-12));
        assertThat(factors.logDeterminant(0)).isEqualTo(Double.NEGATIVE_INFINITY);
        assertThatThrownBy(() -> factors.dampedInverse(scope, 0))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("[NotPositiveDefinite]");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        Tensor block = backend.upload(scope, Shape.of(1, 1), DType.FLOAT64, new double[] {1});
        KroneckerFactors factors = KroneckerFactors.block(backend, Shape.of(1), block);
        assertThatThrownBy(() -> factors.multiply(scope, scope.view(block, Shape.of(1))))
                .hasMessageContaining("Vectors for a parameter of shape [1] need shape [K, *p], not [1]");
        assertThatThrownBy(() -> factors.dampedInverse(scope, -1)).hasMessageContaining("damping is -1.0");
        assertThatThrownBy(() -> factors.logDeterminant(Double.NaN)).hasMessageContaining("damping is NaN");
        KroneckerFactors large =
                KroneckerFactors.of(backend, Shape.of(1000, 1000), KroneckerSizes.matrix(1000, 1000), block, block);
        assertThatThrownBy(() -> large.dense(scope))
                .hasMessageContaining("[TooLarge]")
                .hasMessageContaining("1000000 elements");
    }
}
