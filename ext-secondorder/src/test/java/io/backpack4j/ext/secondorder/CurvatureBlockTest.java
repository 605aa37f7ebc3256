// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What users of blocks count on, of each form. */
class CurvatureBlockTest {

    private static final Shape PARAMETER = Shape.of(2, 2);
    private static final KroneckerSizes SIZES = new KroneckerSizes(1, 2, 2, 1, KroneckerConvention.EXPAND);

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    /** An extension and the tensors of one of its results. */
    record Case(CurvatureExtension<?> extension, Map<String, double[]> numbers) {}

    static Stream<Case> cases() {
        Map<String, double[]> diagonal = Map.of("", new double[] {1, 2, 3, 4});
        Map<String, double[]> pair = Map.of("0", new double[] {2, 1, 1, 3}, "1", new double[] {5, 1, 1, 4});
        double[] definite = {4, 1, 0, 0, 1, 5, 1, 0, 0, 1, 6, 1, 0, 0, 1, 7};
        return Stream.of(
                new Case(new DiagGGNExact(), diagonal),
                new Case(new DiagGGNMC(), diagonal),
                new Case(new DiagHessian(), diagonal),
                new Case(new KFAC(), pair),
                new Case(new KFLR(), pair),
                new Case(new KFRA(), Map.of("0", definite)));
    }

    private CurvatureBlock block(Case c, double factor) {
        Map<String, Tensor> tensors = new TreeMap<>();
        c.numbers.forEach((name, numbers) -> {
            double[] scaled = numbers.clone();
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] *= factor;
            }
            int side = (int) Math.round(Math.sqrt(numbers.length));
            Shape shape = name.isEmpty() ? PARAMETER : Shape.of(side, side);
            tensors.put(name, backend.upload(scope, shape, DType.FLOAT64, scaled));
        });
        return c.extension.blockOf(
                new CurvatureExtension.Site(backend, "0.weight", PARAMETER, Optional.of(SIZES)), tensors);
    }

    private Tensor vectors() {
        return backend.upload(scope, Shape.of(2, 2, 2), DType.FLOAT64, new double[] {1, -2, 3, 0.5, 4, 4, -1, 2});
    }

    @ParameterizedTest
    @MethodSource("cases")
    void solvingUndoesMultiplying(Case c) {
        CurvatureBlock block = block(c, 1);
        assertThat(block.parameter()).isEqualTo(PARAMETER);
        double[] expected = vectors().toDoubleArray();
        Tensor product = block.multiply(scope, vectors());
        assertThat(block.solve(scope, product, 0).toDoubleArray()).containsExactly(expected, within(1e-12));
        assertThat(block.dampedInverse(scope, 0).multiply(scope, product).toDoubleArray())
                .containsExactly(expected, within(1e-12));
        double[] damped = block.solve(scope, product, 0.5).toDoubleArray();
        assertThat(damped).isNotEqualTo(expected);
        assertThat(block.dampedInverse(scope, 0.5).multiply(scope, product).toDoubleArray())
                .containsExactly(damped, within(1e-12));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void averagesAreOfTensorsAndOfTheCopyAlone(Case c) {
        CurvatureBlock block = block(c, 1);
        CurvatureBlock copy = block.copy(scope);
        copy.multiply(scope, vectors());
        copy.average(0.25, block(c, 3));
        CurvatureBlock expected = block(c, 0.25 + 0.75 * 3);
        assertThat(copy.multiply(scope, vectors()).toDoubleArray())
                .containsExactly(expected.multiply(scope, vectors()).toDoubleArray(), within(1e-12));
        assertThat(block.multiply(scope, vectors()).toDoubleArray())
                .containsExactly(block(c, 1).multiply(scope, vectors()).toDoubleArray());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void tensorsMakeTheSameBlockAndTheSameInverse(Case c) {
        CurvatureBlock inverse = block(c, 1).dampedInverse(scope, 0.1);
        CurvatureBlock again = c.extension.blockOf(
                new CurvatureExtension.Site(backend, "0.weight", PARAMETER, Optional.of(SIZES)), inverse.tensors());
        assertThat(again.multiply(scope, vectors()).toDoubleArray())
                .containsExactly(inverse.multiply(scope, vectors()).toDoubleArray());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void wrongVectorsAndDampingsAreRefused(Case c) {
        CurvatureBlock block = block(c, 1);
        Tensor wrong = backend.upload(scope, Shape.of(1, 4), DType.FLOAT64, new double[4]);
        assertThatThrownBy(() -> block.multiply(scope, wrong)).hasMessageContaining("need shape [K, *p]");
        assertThatThrownBy(() -> block.dampedInverse(scope, -1)).hasMessageContaining("damping is -1.0");
        assertThatThrownBy(() -> block.solve(scope, vectors(), Double.NaN)).hasMessageContaining("damping is NaN");
        Case other = c.numbers.containsKey("")
                ? new Case(new KFAC(), Map.of("0", new double[] {1, 0, 0, 1}, "1", new double[] {1, 0, 0, 1}))
                : new Case(new DiagHessian(), Map.of("", new double[4]));
        assertThatThrownBy(() -> block.copy(scope).average(0.5, block(other, 1)))
                .hasMessageContaining("differ in form");
    }

    @Test
    void negativeCurvatureIsProjectedOrRefused() {
        Case c = new Case(new DiagHessian(), Map.of("", new double[] {1, -2, 0, 4}));
        CurvatureBlock block = block(c, 1);
        assertThat(tensor(block.project(scope, Projection.ABS))).containsExactly(1, 2, 0, 4);
        assertThat(tensor(block.project(scope, Projection.CLIP))).containsExactly(1, 0, 0, 4);
        assertThat(tensor(block)).containsExactly(1, -2, 0, 4);
        assertThatThrownBy(() -> block.solve(scope, vectors(), 2))
                .hasMessageStartingWith("[NotPositiveDefinite]")
                .hasMessageContaining("is 0.0");
        assertThatThrownBy(() -> block.project(scope, Projection.CLIP).dampedInverse(scope, 0))
                .hasMessageStartingWith("[NotPositiveDefinite]");
        CurvatureBlock factors = block(cases().skip(3).findFirst().orElseThrow(), 1);
        assertThat(factors.project(scope, Projection.ABS)).isSameAs(factors);
    }

    private static double[] tensor(CurvatureBlock block) {
        return block.tensors().get("").toDoubleArray();
    }
}
