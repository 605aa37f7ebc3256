// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Centred squares of outer products, which cancel where means are large. */
class ExpandedSquaresTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    private static final int ROWS = 96;
    private static final int COLUMNS = 100;

    /**
     * Factors and what they give in double precision.
     *
     * @param left {@code [B, 1, rows, 1]}
     * @param right {@code [B, 1, 1, columns]}
     * @param center the means as single precision has them
     * @param sums of centred squares
     * @param scale the same of squares
     */
    private record Case(Numbers left, Numbers right, Numbers center, double[] sums, double[] scale) {

        static Case of(int batch, IntToDoubleFunction left, IntToDoubleFunction right) {
            Numbers l = filled(Shape.of(batch, 1, ROWS, 1), left);
            Numbers r = filled(Shape.of(batch, 1, 1, COLUMNS), right);
            Numbers center = Numbers.filled(Shape.of(ROWS, COLUMNS), 0);
            double[] sums = new double[ROWS * COLUMNS];
            double[] scale = new double[ROWS * COLUMNS];
            for (int i = 0; i < sums.length; i++) {
                double mean = 0;
                for (int b = 0; b < batch; b++) {
                    mean += term(l, r, b, i) / batch;
                }
                center.values()[i] = (float) mean;
                for (int b = 0; b < batch; b++) {
                    double distance = term(l, r, b, i) - (float) mean;
                    sums[i] += distance * distance;
                    scale[i] += term(l, r, b, i) * term(l, r, b, i);
                }
            }
            return new Case(l, r, center, sums, scale);
        }

        private static Numbers filled(Shape shape, IntToDoubleFunction values) {
            Numbers numbers = Numbers.filled(shape, 0);
            for (int i = 0; i < numbers.values().length; i++) {
                numbers.values()[i] = (float) values.applyAsDouble(i);
            }
            return numbers;
        }

        private static double term(Numbers left, Numbers right, int b, int i) {
            return left.values()[b * ROWS + i / COLUMNS] * right.values()[b * COLUMNS + i % COLUMNS];
        }

        /** Sums that were found, from {@code before} on. */
        double[] found(double before) {
            try (Backend backend = SINGLE.open();
                    TensorScope scope = backend.openScope()) {
                var product = new PerSampleProduct(left.on(scope, SINGLE), false, right.on(scope, SINGLE), false);
                Tensor destination = Numbers.filled(center.shape(), before).on(scope, SINGLE);
                TileConsumer squares = new TileConsumer.SumOfSquares(destination, center.on(scope, SINGLE), null, true);
                assertThat(ExpandedSquares.fits(product, squares)).isTrue();
                backend.contractions().contract(product, List.of(squares));
                return destination.toDoubleArray();
            }
        }
    }

    /**
     * The relative error may be some roundings of the terms; where these cancel, what their own rounding makes of them.
     */
    private static void assertClose(Case given, double relative) {
        double[] found = given.found(0);
        for (int i = 0; i < found.length; i++) {
            // each product of factors is rounded once if it is formed: 2^-24 of a term, squared, is below any
            // cancellation
            double least = given.scale()[i] * Math.pow(2, -46);
            assertThat(found[i])
                    .as("element %d, seed %d", i, Variant.seed())
                    .isNotNegative()
                    .isBetween(given.sums()[i] * (1 - relative) - least, given.sums()[i] * (1 + relative) + least);
        }
    }

    @Test
    void ofNumbersAboutZero() {
        Random random = Variant.random(81);
        for (int batch : new int[] {2, 3, 17, 128}) {
            assertClose(Case.of(batch, i -> random.nextGaussian(), i -> random.nextGaussian()), 1e-4);
        }
    }

    /**
     * Terms one by one lose some 1e-3 of a spread of 1e-4 by their own rounding; a difference of sums would lose all.
     */
    @Test
    void ofNumbersWhoseMeanIsTenThousandSpreads() {
        Random random = Variant.random(82);
        Case given = Case.of(64, i -> 1, i -> 1e4 + random.nextGaussian());
        assertClose(given, 1e-3);
    }

    /** Rows of both kinds: a few cancel, the others do not. */
    @Test
    void onlyRowsThatCancelAreAddedTermByTerm() {
        Random random = Variant.random(83);
        double[] offsets = new double[ROWS];
        offsets[3] = 3000;
        offsets[40] = -500;
        offsets[ROWS - 1] = 20;
        Case given = Case.of(32, i -> offsets[i % ROWS] + random.nextGaussian(), i -> 1);
        assertClose(given, 1e-3);
        double[] onTop = given.found(5);
        double[] alone = given.found(0);
        for (int i = 0; i < onTop.length; i++) {
            assertThat(onTop[i]).isEqualTo((float) (alone[i] + 5));
        }
    }

    @Test
    void ofEqualSamplesNothingIsLeft() {
        Random random = Variant.random(84);
        double[] left = random.doubles(ROWS, -3, 3).toArray();
        double[] right = random.doubles(COLUMNS, -3, 3).toArray();
        Case given = Case.of(50, i -> left[i % ROWS], i -> right[i % COLUMNS]);
        double[] found = given.found(0);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isBetween(0.0, given.scale()[i] * Math.pow(2, -46));
        }
        Case exact = Case.of(16, i -> i % ROWS - 40, i -> i % COLUMNS);
        assertThat(exact.found(0)).containsOnly(0);
    }
}
