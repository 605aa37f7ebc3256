// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.secondorder.KroneckerEigen;
import io.backpack4j.ext.secondorder.KroneckerFactors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The algebra of Kronecker factors of any scale, rank and sign, in both types, with groups and leading axes, against
 * {@link ExactMatrix}: results are right to the conditioning of the input, or refused for a reason that the oracle
 * confirms.
 */
class KroneckerScalesTest {

    private static final int CASES = Integer.getInteger("kronecker.cases", 100);
    private static final long SEED = Randomness.seed(System.nanoTime());

    private static final int LARGE_CASES = Math.max(1, CASES / 12);

    /** How many roundings of the largest term may add up. */
    private static final double ROUNDINGS = 64;

    /** What the matrices of a factor are like. */
    private enum Kind {
        DEFINITE,
        DIAGONAL,
        SINGULAR,
        ZERO,
        NEGATIVE
    }

    private final Random random = new Random(SEED);
    private final Map<String, Integer> outcomes = new TreeMap<>();

    /** A block and what it was made from. */
    private record Sample(
            Backend backend,
            TensorScope scope,
            DType dtype,
            KroneckerSizes sizes,
            KroneckerFactors factors,
            double[] output,
            double[] input,
            String text) {

        double epsilon() {
            return dtype == DType.FLOAT32 ? 0x1p-23 : 0x1p-52;
        }

        double smallest() {
            return dtype == DType.FLOAT32 ? Float.MIN_NORMAL : Double.MIN_NORMAL;
        }

        double greatest() {
            return dtype == DType.FLOAT32 ? Float.MAX_VALUE : Double.MAX_VALUE;
        }

        int outputs() {
            return (int) sizes.outputs();
        }

        int inputs() {
            return (int) sizes.inputs();
        }

        ExactMatrix outputOf(int group) {
            return ExactMatrix.of(output, group * outputs() * outputs(), outputs());
        }

        ExactMatrix inputOf(int group) {
            return ExactMatrix.of(input, group * inputs() * inputs(), inputs());
        }

        /** Where the entry of an output and an input of a group stands in the parameter. */
        int place(int group, int output, int input) {
            int inner = inputs() / (int) sizes.leading();
            return ((group * (int) sizes.leading() + input / inner) * outputs() + output) * inner + input % inner;
        }
    }

    private interface Check {
        void of(Sample sample);
    }

    @ParameterizedTest
    @ValueSource(strings = {"onednn", "nd4j", "heap"})
    void factors_of_any_scale_are_right_or_refused(String kernels) {
        System.out.println("backpack.test.seed=" + SEED);
        if (kernels.equals("heap")) {
            try (Backend heap = new HeapBackend()) {
                all(heap);
            }
        } else {
            try (BackPack backpack = open(kernels)) {
                all(backpack.backend());
            }
        }
        Figures.row(
                "%d Kronecker blocks of random scale, rank, groups and damping, `%s`, both types, seed %d"
                        .formatted(2 * CASES, kernels, SEED),
                "%s",
                outcomes);
        assertThat(outcomes).containsKeys("inverses right", "inverses refused", "products right", "determinants right");
    }

    private static BackPack open(String kernels) {
        return BackPack.builder()
                .backend("cpu")
                .threads(1)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build();
    }

    private void all(Backend backend) {
        List<Check> checks = List.of(this::inverse, this::product, this::determinant, this::eigenvalues);
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            for (int i = 0; i < CASES; i++) {
                try (TensorScope scope = backend.openScope()) {
                    Sample sample = sample(backend, scope, dtype);
                    checks.forEach(check -> check.of(sample));
                }
                assertThat(backend.memory().openTensors()).isZero();
            }
        }
    }

    private void count(String outcome) {
        outcomes.merge(outcome, 1, Integer::sum);
    }

    private Sample sample(Backend backend, TensorScope scope, DType dtype) {
        int groups = 1 + random.nextInt(2);
        int leading = 1 + random.nextInt(2);
        int outputs = 1 + random.nextInt(3);
        int inputs = leading * (1 + random.nextInt(2));
        KroneckerConvention[] conventions = KroneckerConvention.values();
        KroneckerConvention convention = conventions[random.nextInt(conventions.length)];
        KroneckerSizes sizes = new KroneckerSizes(groups, outputs, inputs, leading, convention);
        Kind ofOutput = kind();
        Kind ofInput = kind();
        double[] exponents = {exponent(dtype), exponent(dtype)};
        Tensor output = factor(backend, scope, dtype, ofOutput, groups, outputs, exponents[0]);
        Tensor input = factor(backend, scope, dtype, ofInput, groups, inputs, exponents[1]);
        Shape parameter = Shape.of((long) groups * leading * outputs, inputs / leading);
        String text = "%s, %d groups, %d leading, %s of %d rows at 1e%.1f ⊗ %s of %d rows at 1e%.1f, seed %d"
                .formatted(
                        dtype, groups, leading, ofOutput, outputs, exponents[0], ofInput, inputs, exponents[1], SEED);
        return new Sample(
                backend,
                scope,
                dtype,
                sizes,
                KroneckerFactors.of(
                        backend,
                        parameter,
                        sizes,
                        groups == 1 ? scope.view(output, Shape.of(outputs, outputs)) : output,
                        groups == 1 ? scope.view(input, Shape.of(inputs, inputs)) : input),
                output.toDoubleArray(),
                input.toDoubleArray(),
                text);
    }

    private Kind kind() {
        return random.nextInt(3) > 0 ? Kind.DEFINITE : Kind.values()[random.nextInt(Kind.values().length)];
    }

    /** Of a scale: near 1, or anywhere. */
    private double exponent(DType dtype) {
        double most = dtype == DType.FLOAT32 ? 36 : 300;
        return random.nextInt(3) == 0 ? 2 * random.nextDouble() - 1 : most * (2 * random.nextDouble() - 1);
    }

    private Tensor factor(
            Backend backend, TensorScope scope, DType dtype, Kind kind, int groups, int n, double exponent) {
        double scale = Math.pow(10, exponent);
        double[] entries = new double[groups * n * n];
        for (int group = 0; group < groups; group++) {
            int rank = kind == Kind.SINGULAR ? n / 2 : n;
            double[][] roots = new double[rank][n];
            for (double[] root : roots) {
                Arrays.setAll(root, i -> random.nextGaussian());
            }
            for (int i = 0; i < n * n; i++) {
                int row = i / n;
                int column = i % n;
                double value = row == column && kind == Kind.DEFINITE ? 0.1 : 0;
                for (double[] root : roots) {
                    value += root[row] * root[column];
                }
                entries[group * n * n + i] = switch (kind) {
                    case DEFINITE, SINGULAR -> scale * value;
                    case DIAGONAL -> row == column ? scale * Math.pow(10, -4 * random.nextDouble()) : 0;
                    case ZERO -> 0;
                    case NEGATIVE -> row == column ? -1e-8 * scale : 0;
                };
            }
        }
        return backend.upload(scope, Shape.of(groups, n, n), dtype, entries);
    }

    /** λ such as 0, beside the factors' numbers, or anywhere. */
    private double damping(Sample sample) {
        double beside = largest(sample.output) * largest(sample.input);
        double some = Math.pow(10, -8 * random.nextDouble());
        return switch (random.nextInt(3)) {
            case 0 -> 0;
            case 1 -> Double.isInfinite(beside) ? some : beside * some;
            default -> some;
        };
    }

    private static double largest(double... values) {
        return Arrays.stream(values).map(Math::abs).max().orElse(0);
    }

    private void inverse(Sample sample) {
        double damping = damping(sample);
        boolean possible = true;
        boolean needed = false;
        ExactMatrix[] outputs = new ExactMatrix[(int) sample.sizes.groups()];
        ExactMatrix[] inputs = outputs.clone();
        double[] roundings = new double[outputs.length];
        for (int group = 0; group < outputs.length; group++) {
            ExactMatrix[] damped = damped(sample, group, damping);
            for (int side = 0; side < 2; side++) {
                ExactMatrix.Solved solved = damped[side].solve();
                boolean definite = definite(damped[side]);
                double vanishing = definite ? inflation(damped[side], solved.inverse()) * sample.epsilon() : 1;
                roundings[group] = Math.max(roundings[group], vanishing);
                boolean inRange = definite
                        && solved.inverse().largest() < sample.greatest() / 4
                        && damped[side].largest() < sample.greatest() / 4
                        && least(damped[side]) > sample.smallest();
                // Far beyond 1/16 it must be refused, below 1/256 there is no reason to; in between both is right.
                possible &= definite && vanishing < 2;
                needed |= !inRange || vanishing > 1.0 / 256;
                (side == 0 ? outputs : inputs)[group] = solved.inverse();
            }
        }
        KroneckerFactors inverse;
        try {
            inverse = sample.factors.dampedInverse(sample.scope, damping);
        } catch (BackpackException e) {
            assertThat(e.problems().get(0).id().name()).isIn("NotPositiveDefinite", "NotFinite");
            assertThat(needed)
                    .as("%s is refused: %s", sample.text, e.getMessage())
                    .isTrue();
            count("inverses refused");
            return;
        }
        assertThat(possible)
                .as("%s, damped by %s, is singular to its digits but was inverted", sample.text, damping)
                .isTrue();
        double[] ofOutput = inverse.output().toDoubleArray();
        double[] ofInput = inverse.input().orElseThrow().toDoubleArray();
        for (int group = 0; group < outputs.length; group++) {
            double tolerance = ROUNDINGS * Math.max(sample.epsilon(), roundings[group]);
            assertClose(sample, ofOutput, outputs[group], group, tolerance);
            assertClose(sample, ofInput, inputs[group], group, tolerance);
        }
        count("inverses right");
    }

    private static void assertClose(Sample sample, double[] actual, ExactMatrix expected, int group, double tolerance) {
        int n = expected.size();
        for (int i = 0; i < n * n; i++) {
            // Beside √(row · column): scales of rows differ.
            double beside = Math.sqrt(expected.at(i / n, i / n).doubleValue())
                    * Math.sqrt(expected.at(i % n, i % n).doubleValue());
            double difference = Math.abs(
                    actual[group * n * n + i] - expected.at(i / n, i % n).doubleValue());
            assertThat(difference)
                    .as("%s: entry %d of group %d is %s", sample.text, i, group, actual[group * n * n + i])
                    .isLessThanOrEqualTo(tolerance * beside + sample.smallest());
        }
    }

    /**
     * Both factors with their shares of the damping: π² = (tr A / dim A) / (tr G / dim G), 1 where a trace is not
     * positive.
     */
    private static ExactMatrix[] damped(Sample sample, int group, double damping) {
        ExactMatrix output = sample.outputOf(group);
        ExactMatrix input = sample.inputOf(group);
        BigDecimal root = new BigDecimal(damping).sqrt(ExactMatrix.DIGITS);
        BigDecimal pi = BigDecimal.ONE;
        if (output.trace().signum() > 0 && input.trace().signum() > 0) {
            pi = input.trace()
                    .multiply(BigDecimal.valueOf(output.size()))
                    .divide(output.trace().multiply(BigDecimal.valueOf(input.size())), ExactMatrix.DIGITS)
                    .sqrt(ExactMatrix.DIGITS);
        }
        return new ExactMatrix[] {
            output.damped(root.divide(pi, ExactMatrix.DIGITS)), input.damped(root.multiply(pi, ExactMatrix.DIGITS))
        };
    }

    /** Whether all leading minors are positive. */
    private static boolean definite(ExactMatrix matrix) {
        for (int n = 1; n <= matrix.size(); n++) {
            BigDecimal[][] leading = new BigDecimal[n][];
            for (int i = 0; i < n; i++) {
                leading[i] = Arrays.copyOf(matrix.rows()[i], n);
            }
            if (new ExactMatrix(leading).solve().determinant().signum() <= 0) {
                return false;
            }
        }
        return true;
    }

    /** Σ a_ii a⁻¹_ii: the trace of the inverse, rows and columns being scaled to a diagonal of ones. */
    private static double inflation(ExactMatrix matrix, ExactMatrix inverse) {
        double largest = 1;
        for (int i = 0; i < matrix.size(); i++) {
            largest = Math.max(
                    largest,
                    matrix.at(i, i)
                            .multiply(inverse.at(i, i), ExactMatrix.DIGITS)
                            .doubleValue());
        }
        return largest;
    }

    private static double least(ExactMatrix matrix) {
        double least = Double.MAX_VALUE;
        for (int i = 0; i < matrix.size(); i++) {
            least = Math.min(least, Math.abs(matrix.at(i, i).doubleValue()));
        }
        return least;
    }

    private void product(Sample sample) {
        int count = 2;
        double scale = Math.pow(10, (sample.dtype == DType.FLOAT32 ? 30 : 250) * (2 * random.nextDouble() - 1));
        int elements = (int) sample.factors.parameter().elements();
        double[] values = new double[count * elements];
        Arrays.setAll(values, i -> scale * random.nextGaussian());
        Tensor vectors =
                sample.backend.upload(sample.scope, sample.factors.parameter().prepend(count), sample.dtype, values);
        values = vectors.toDoubleArray();
        double[] actual = sample.factors.multiply(sample.scope, vectors).toDoubleArray();
        for (int k = 0; k < count; k++) {
            for (int group = 0; group < sample.sizes.groups(); group++) {
                ExactMatrix output = sample.outputOf(group);
                ExactMatrix input = sample.inputOf(group);
                for (int i = 0; i < sample.outputs() * sample.inputs(); i++) {
                    int o = i / sample.inputs();
                    int c = i % sample.inputs();
                    BigDecimal expected = BigDecimal.ZERO;
                    BigDecimal beside = BigDecimal.ZERO;
                    for (int j = 0; j < sample.outputs() * sample.inputs(); j++) {
                        BigDecimal term = output.at(o, j / sample.inputs())
                                .multiply(input.at(c, j % sample.inputs()), ExactMatrix.DIGITS)
                                .multiply(
                                        new BigDecimal(values[
                                                k * elements
                                                        + sample.place(
                                                                group, j / sample.inputs(), j % sample.inputs())]),
                                        ExactMatrix.DIGITS);
                        expected = expected.add(term, ExactMatrix.DIGITS);
                        beside = beside.add(term.abs(), ExactMatrix.DIGITS);
                    }
                    double found = actual[k * elements + sample.place(group, o, c)];
                    if (beside.doubleValue() > sample.greatest() / 4) {
                        count("product entries beyond the type");
                        continue;
                    }
                    assertThat(Math.abs(found - expected.doubleValue()))
                            .as("%s: product %s, not %s", sample.text, found, expected.doubleValue())
                            .isLessThanOrEqualTo(
                                    ROUNDINGS * (sample.epsilon() * beside.doubleValue() + sample.smallest()));
                }
            }
        }
        count("products right");
    }

    private void determinant(Sample sample) {
        double damping = damping(sample);
        double expected = 0;
        double tolerance = 1e-12;
        int size = sample.outputs() * sample.inputs();
        boolean definite = true;
        for (int group = 0; group < sample.sizes.groups(); group++) {
            ExactMatrix output = atLeastZero(sample.outputOf(group));
            ExactMatrix input = atLeastZero(sample.inputOf(group));
            BigDecimal[][] rows = new BigDecimal[size][size];
            for (int i = 0; i < size * size; i++) {
                int row = i / size;
                int column = i % size;
                rows[row][column] = output.at(row / sample.inputs(), column / sample.inputs())
                        .multiply(input.at(row % sample.inputs(), column % sample.inputs()), ExactMatrix.DIGITS);
            }
            ExactMatrix block = new ExactMatrix(rows).damped(new BigDecimal(damping));
            ExactMatrix.Solved solved = block.solve();
            definite &= definite(block);
            if (solved.determinant().signum() > 0) {
                double logarithm = ExactMatrix.logarithm(solved.determinant());
                expected += logarithm;
                // To first order, log det changes by tr (M⁻¹ ΔM).
                double sensitivity = solved.inverse()
                        .trace()
                        .multiply(new ExactMatrix(rows).largestEntry(), ExactMatrix.DIGITS)
                        .doubleValue();
                tolerance += ROUNDINGS * sample.epsilon() * (sensitivity + Math.abs(logarithm));
            }
        }
        double actual = sample.factors.logDeterminant(damping);
        assertThat(actual).as(sample.text).isNotNaN();
        if (!definite || !(tolerance < 0.5)) {
            count("determinants without digits");
            return;
        }
        assertThat(Math.abs(actual - expected))
                .as("%s damped by %s: %s, not %s", sample.text, damping, actual, expected)
                .isLessThanOrEqualTo(tolerance);
        count("determinants right");
    }

    /** Eigenvalues below 0, which here all are if one is, count as 0. */
    private static ExactMatrix atLeastZero(ExactMatrix matrix) {
        int n = matrix.size();
        return matrix.at(0, 0).signum() < 0 ? ExactMatrix.of(new double[n * n], 0, n) : matrix;
    }

    private void eigenvalues(Sample sample) {
        KroneckerEigen eigen = sample.factors.eigendecomposition(sample.scope);
        eigenvalues(sample, sample.output, sample.outputs(), eigen.outputValues(), eigen.outputVectors());
        eigenvalues(
                sample,
                sample.input,
                sample.inputs(),
                eigen.inputValues().orElseThrow(),
                eigen.inputVectors().orElseThrow());
        count("eigendecompositions right");
    }

    private static void eigenvalues(Sample sample, double[] factor, int n, Tensor values, Tensor vectors) {
        double[] lambda = values.toDoubleArray();
        double[] basis = vectors.toDoubleArray();
        for (int i = 0; i < factor.length; i++) {
            int first = i / (n * n) * n * n;
            int row = i % (n * n) / n;
            int column = i % n;
            double product = 0;
            double gram = 0;
            double largest = 0;
            for (int k = 0; k < n; k++) {
                product += basis[first + row * n + k] * lambda[first / n + k] * basis[first + column * n + k];
                gram += basis[first + k * n + row] * basis[first + k * n + column];
                largest = Math.max(largest, Math.abs(lambda[first / n + k]));
            }
            assertThat(Math.abs(product - factor[i]))
                    .as("%s: V diag Vᵀ", sample.text)
                    .isLessThanOrEqualTo(ROUNDINGS * sample.epsilon() * largest + sample.smallest());
            assertThat(Math.abs(gram - (row == column ? 1 : 0)))
                    .as("%s: Vᵀ V", sample.text)
                    .isLessThanOrEqualTo(ROUNDINGS * sample.epsilon());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"onednn", "nd4j"})
    void large_singular_factors_are_refused_and_damped_ones_inverted(String kernels) {
        System.out.println("backpack.test.seed=" + SEED);
        int refused = 0;
        try (BackPack backpack = open(kernels)) {
            Backend backend = backpack.backend();
            for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
                for (int draw = 0; draw < LARGE_CASES; draw++) {
                    try (TensorScope scope = backend.openScope()) {
                        int n = 20 + random.nextInt(180);
                        int rank = draw % 2 == 0 ? n - 1 : 1 + random.nextInt(n - 1);
                        double scale = Math.pow(10, 20 * random.nextDouble() - 10);
                        Tensor roots = backend.upload(
                                scope,
                                Shape.of(rank, n),
                                dtype,
                                random.doubles((long) rank * n).toArray());
                        Tensor factor = scope.allocate(Shape.of(n, n), dtype);
                        backend.products().multiply(roots, true, roots, false, scale / n, 0, factor);
                        KroneckerFactors block = KroneckerFactors.block(backend, Shape.of(n), factor);
                        String text = "%d rows of rank %d, %s, seed %d".formatted(n, rank, dtype, SEED);
                        assertThatThrownBy(() -> block.dampedInverse(scope, 0))
                                .as(text)
                                .hasMessageContaining("[NotPositiveDefinite]");
                        assertThat(block.logDeterminant(0)).as(text).isEqualTo(Double.NEGATIVE_INFINITY);
                        refused++;
                        double damping = scale * 1e-2;
                        Tensor inverse = block.dampedInverse(scope, damping).output();
                        Tensor product = scope.allocate(Shape.of(n, n), dtype);
                        backend.products().multiply(factor, false, inverse, false, 1, 0, product);
                        backend.elementwise().addScaled(damping, inverse, product);
                        double[] entries = product.toDoubleArray();
                        for (int i = 0; i < entries.length; i++) {
                            entries[i] -= i / n == i % n ? 1 : 0;
                        }
                        assertThat(largest(entries)).as(text).isLessThan(dtype == DType.FLOAT32 ? 2e-2 : 1e-10);
                    }
                }
            }
        }
        Figures.row("singular factors of 20 to 200 rows, `%s`, both types".formatted(kernels), "%d refused", refused);
    }

    @Test
    void factors_that_are_not_finite_are_refused() {
        try (BackPack backpack = open("onednn");
                TensorScope scope = backpack.backend().openScope()) {
            Backend backend = backpack.backend();
            for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
                for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                    for (int place : new int[] {0, 2}) {
                        double[] entries = {1, 0, 0, 1};
                        entries[place] = wrong;
                        Tensor factor = backend.upload(scope, Shape.of(2, 2), dtype, entries);
                        Tensor one = backend.upload(scope, Shape.of(2, 2), dtype, new double[] {1, 0, 0, 1});
                        KroneckerFactors factors =
                                KroneckerFactors.of(backend, Shape.of(2, 2), KroneckerSizes.matrix(2, 2), one, factor);
                        for (double damping : new double[] {0, 0.1}) {
                            assertThatThrownBy(() -> factors.dampedInverse(scope, damping))
                                    .hasMessageContaining("[NotFinite]");
                            assertThatThrownBy(() -> factors.logDeterminant(damping))
                                    .hasMessageContaining("[NotFinite]");
                        }
                        assertThatThrownBy(() -> factors.eigendecomposition(scope))
                                .hasMessageContaining("[NotFinite]");
                    }
                }
            }
        }
    }
}
