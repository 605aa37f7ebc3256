// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.factored.RandomFactors.Sizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.CrossInnerProductChecks;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CrossInnerProductsTest {

    private static final double TOLERANCE = 1e-11;

    /** Gradients that are made of numbers that lie in memory, and nothing cheaper. */
    private static final class Plain extends ParameterDerivatives {

        private final FactoredParameter made;

        Plain(HeapBackend backend, FactoredParameter made) {
            super(backend, made.parameter(), DType.FLOAT64, made.columns(), made.samples());
            this.made = made;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            made.perSample(block, destination);
        }
    }

    static Stream<Sizes> sizes() {
        return Stream.of(
                new Sizes(3, 5, 1, 3, 4, 1, true, true),
                new Sizes(3, 5, 1, 3, 4, 4, true, true),
                new Sizes(3, 4, 1, 19, 18, 2, true, true),
                new Sizes(1, 4, 1, 19, 18, 2, true, true),
                new Sizes(3, 4, 1, 9, 8, 4, false, true),
                new Sizes(3, 4, 1, 9, 8, 4, true, false),
                // Rows for several panels.
                new Sizes(8, 17, 1, 9, 8, 4, false, true),
                new Sizes(3, 4, 2, 3, 4, 2, true, true),
                new Sizes(2, 1, 1, 1, 1, 1, true, true));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void all_forms_agree_with_gradients(Sizes sizes) {
        Random random = Randomness.of("inner products of " + sizes);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            var checks = new CrossInnerProductChecks(backend, TOLERANCE);
            Sizes fewer = new Sizes(
                    2,
                    sizes.samples(),
                    sizes.groups(),
                    sizes.rows(),
                    sizes.width(),
                    sizes.positions(),
                    sizes.leftByPosition(),
                    sizes.rightByPosition());
            RandomFactors factors = new RandomFactors(backend, scope, sizes, random);
            FactoredParameter left = factors.derivatives();
            FactoredParameter right = new RandomFactors(backend, scope, fewer, random).derivatives();
            FactoredParameter use = factors.changed(scope, 0.7, 0.3).derivatives();
            checks.compare("factors", left, right);
            checks.compare("factors and gradients", left, new Plain(backend, right));
            checks.compare("gradients", new Plain(backend, left), new Plain(backend, right));
            ParameterDerivatives tied = ParameterDerivatives.tied(List.of(left, use));
            checks.compare("joined uses", tied, ParameterDerivatives.tied(List.of(use, use)));
            checks.compare("uses", ParameterDerivatives.tied(List.of(left, new Plain(backend, use))), right);
        }
    }

    /** Rows in several blocks, and gradients of which not even two fit. */
    @Test
    void large_parameters_come_in_parts() {
        Random random = Randomness.of("large");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Sizes sizes = new Sizes(2, 2, 1, 900, 1300, 3, false, false);
            FactoredParameter left = new RandomFactors(backend, scope, sizes, random).derivatives();
            FactoredParameter right = new RandomFactors(backend, scope, sizes, random).derivatives();
            double[] byRows = products(backend, left, right);
            double[] byGradients = products(backend, new Plain(backend, left), new Plain(backend, right));
            double[] expected = expected(backend, left, right);
            for (int i = 0; i < expected.length; i++) {
                assertThat(byRows[i]).isCloseTo(expected[i], within(1e-6));
                assertThat(byGradients[i]).isCloseTo(expected[i], within(1e-6));
            }
        }
    }

    /** Factors so long that those of one sample are applied at a time, and most pairs of samples are mirrored. */
    @Test
    void long_factors_come_in_parts() {
        Random random = Randomness.of("long factors");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Sizes sizes = new Sizes(2, 2, 1, 270_000, 4, 2, true, true);
            FactoredParameter left = new RandomFactors(backend, scope, sizes, random).derivatives();
            assertThat(grams(backend, new FactorSizes(1, 270_000, 4, 2, true))
                            .isCheaper(new CrossGrams.Counts(2, 2, 2, 2), false, true))
                    .isTrue();
            double[] actual = products(backend, left, left);
            double[] expected = expected(backend, left, left);
            for (int i = 0; i < expected.length; i++) {
                assertThat(actual[i]).isCloseTo(expected[i], within(1e-6));
            }
        }
    }

    private static double[] products(HeapBackend backend, ParameterDerivatives left, ParameterDerivatives right) {
        try (TensorScope scope = backend.openScope()) {
            Tensor destination = scope.allocate(Shape.of(4, 4), DType.FLOAT64);
            backend.elementwise().fill(destination, 0);
            ParameterDerivatives.addInnerProducts(left, right, false, destination);
            return destination.toDoubleArray();
        }
    }

    private static double[] expected(HeapBackend backend, ParameterDerivatives left, ParameterDerivatives right) {
        try (TensorScope scope = backend.openScope()) {
            double[][] gradients = new double[2][];
            for (int side = 0; side < 2; side++) {
                Tensor tensor = scope.allocate(left.parameter().prepend(2, 2), DType.FLOAT64);
                (side == 0 ? left : right).perSample(new Block(0, 2, 0, 2), tensor);
                gradients[side] = tensor.toDoubleArray();
            }
            int size = (int) left.parameter().elements();
            double[] expected = new double[16];
            for (int i = 0; i < 16; i++) {
                for (int p = 0; p < size; p++) {
                    expected[i] += gradients[0][i / 4 * size + p] * gradients[1][i % 4 * size + p];
                }
            }
            return expected;
        }
    }

    @Test
    void factors_are_multiplied_where_that_is_less() {
        try (HeapBackend backend = new HeapBackend()) {
            var few = new CrossGrams.Counts(3, 5, 3, 5);
            assertThat(grams(backend, new FactorSizes(1, 3, 4, 1, true)).isCheaper(few, false, false))
                    .isTrue();
            assertThat(grams(backend, new FactorSizes(1, 19, 18, 2, true)).isCheaper(few, false, false))
                    .isTrue();
            assertThat(grams(backend, new FactorSizes(1, 3, 4, 9, true)).isCheaper(few, false, false))
                    .isFalse();
            assertThat(grams(backend, new FactorSizes(2, 19, 18, 1, true)).isCheaper(few, true, false))
                    .isFalse();
        }
    }

    private static CrossGrams grams(HeapBackend backend, FactorSizes sizes) {
        FactorSource none = (scope, block) -> {
            throw new AssertionError("No factors are needed to choose");
        };
        return new CrossGrams(backend, DType.FLOAT64, sizes, none, none);
    }

    @Test
    void only_samples_with_themselves_merge() {
        var some = Optional.of(List.of(2, 0));
        assertThat(new CrossInnerProducts(true).mergeRule()).isEqualTo(MergeRule.PER_SAMPLE);
        assertThat(new CrossInnerProducts(false).mergeRule()).isEqualTo(MergeRule.NOT_MERGEABLE);
        assertThat(new CrossInnerProducts(true, some, some).mergeRule()).isEqualTo(MergeRule.NOT_MERGEABLE);
        assertThat(new CrossInnerProducts(false, some, Optional.empty()).shape(3, 4, 5))
                .isEqualTo(Shape.of(6, 20));
        assertThat(new CrossInnerProducts(true, some, some).shape(3, 4, 5)).isEqualTo(Shape.of(2, 3, 4));
        assertThatThrownBy(() -> new CrossInnerProducts(true, some, Optional.empty()))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("[2, 0]");
    }
}
