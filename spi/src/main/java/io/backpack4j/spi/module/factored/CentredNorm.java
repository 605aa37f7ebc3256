// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Σ_n ‖g_n − mean‖² of gradients g_n = d_n ⊗ a_n, one column with one position, from their factors. With δ_n = d_n − D
 * and α_n = a_n − A, D and A being the means, g_n − D ⊗ A = δ_n ⊗ a_n + D ⊗ α_n, whose squares are Σ_n ‖δ_n‖² ‖a_n‖² +
 * ‖D‖² Σ_n ‖α_n‖² + 2 Σ_n ⟨δ_n, D⟩ ⟨a_n, α_n⟩. Their mean, which takes ‖Σ_n δ_n ⊗ α_n‖² / N away, is small of second
 * order where factors are close to theirs. Digits cancel where a sample's factors change against each other while their
 * product stays: then nothing is computed.
 */
record CentredNorm(Backend backend, DType dtype, long samples, FactorSizes sizes) {

    /** What is left over of all terms, at least: up to there no more than six bits are lost. */
    private static final double LEAST_PART = 1.0 / 64;

    /** How many numbers per sample are kept, rounded up. */
    private static final long NUMBERS_PER_SAMPLE = 8;

    private static final int PRODUCTS = 0;
    private static final int MIXED_PRODUCTS = 1;
    private static final int RIGHT_SQUARES = 2;
    private static final int LEFT_MEAN_SQUARE = 3;
    private static final int MEAN_SQUARES = 4;
    private static final int TERMS = 5;

    /**
     * Whether it takes no more memory than moments do. Where it would, gradients are so few or so small that these are
     * no work.
     */
    boolean isSmall() {
        return NUMBERS_PER_SAMPLE * samples <= Math.max(tileElements(), FactorSizes.FEW);
    }

    /** Σ_n ‖g_n‖². */
    double squaredNorms(PerSampleProduct product) {
        double norms = 0;
        try (TensorScope scope = backend.openScope()) {
            double[] ofLefts = squares(scope, product.left(), sizes.rows());
            double[] ofRights = squares(scope, product.right(), sizes.columns());
            for (int n = 0; n < samples; n++) {
                norms += ofLefts[n] * ofRights[n];
            }
        }
        return norms;
    }

    private double[] squares(TensorScope scope, Tensor factors, long length) {
        Tensor rows = scope.view(factors, Shape.of(samples, length));
        Tensor squares = scope.allocate(Shape.of(samples), dtype);
        backend.contractions().rowDots(rows, rows, squares);
        return squares.toDoubleArray();
    }

    /**
     * Overwrites a destination, unless digits cancel.
     *
     * @param destination {@code []}
     * @return whether the destination holds the result. Without deviations it is not said to, so that rehearsals, which
     *     know no numbers, see both ways
     */
    boolean computes(PerSampleProduct product, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor terms = scope.allocate(Shape.of(TERMS), dtype);
            compute(scope, product, terms);
            double[] values = terms.toDoubleArray();
            double ofLefts = values[PRODUCTS];
            double ofRights = values[LEFT_MEAN_SQUARE] * values[RIGHT_SQUARES];
            double ofMean = values[MEAN_SQUARES] / samples;
            double result = ofLefts + ofRights + 2 * values[MIXED_PRODUCTS] - ofMean;
            boolean holds = result > 0
                    && result < Double.POSITIVE_INFINITY
                    && result >= LEAST_PART * (ofLefts + ofRights + ofMean);
            if (holds) {
                backend.elementwise().fill(destination, result);
            }
            return holds;
        }
    }

    private void compute(TensorScope scope, PerSampleProduct product, Tensor terms) {
        var contractions = backend.contractions();
        Tensor left = scope.view(product.left(), Shape.of(samples, sizes.rows()));
        Tensor right = scope.view(product.right(), Shape.of(samples, sizes.columns()));
        Tensor leftMean = mean(scope, left);
        Tensor rightMean = mean(scope, right);
        Tensor ofLefts = scope.allocate(Shape.of(2, samples), dtype);
        Tensor ofRights = scope.allocate(Shape.of(2, samples), dtype);
        Tensor squares = scope.allocate(Shape.of(samples), dtype);
        boolean byPairs = samples * (sizes.rows() + sizes.columns()) <= tileElements();
        long run = byPairs ? samples : Math.max(1, tileElements() / (sizes.rows() + sizes.columns()));
        Tensor sum = byPairs ? null : scope.allocate(Shape.of(sizes.rows(), sizes.columns()), dtype);
        for (long from = 0; from < samples; from += run) {
            long to = Math.min(samples, from + run);
            try (TensorScope step = backend.openScope()) {
                Tensor lefts = difference(step, step.rows(left, from, to), leftMean);
                Tensor here = step.rows(right, from, to);
                Tensor rights = difference(step, here, rightMean);
                contractions.rowDots(lefts, lefts, row(step, ofLefts, 0, from, to));
                contractions.rowDots(lefts, leftMean, row(step, ofLefts, 1, from, to));
                contractions.rowDots(here, here, row(step, ofRights, 0, from, to));
                contractions.rowDots(here, rights, row(step, ofRights, 1, from, to));
                contractions.rowDots(rights, rights, step.rows(squares, from, to));
                if (sum == null) {
                    multiplyPairs(step, lefts, rights, step.rows(terms, MEAN_SQUARES, TERMS));
                } else {
                    backend.products().multiply(lefts, true, rights, false, 1, from == 0 ? 0 : 1, sum);
                }
            }
        }
        contractions.rowDots(ofLefts, ofRights, scope.rows(terms, PRODUCTS, RIGHT_SQUARES));
        backend.reductions().total(squares, scope.view(scope.rows(terms, RIGHT_SQUARES, LEFT_MEAN_SQUARE), Shape.of()));
        contractions.rowDots(leftMean, leftMean, scope.rows(terms, LEFT_MEAN_SQUARE, MEAN_SQUARES));
        if (sum != null) {
            Tensor flat = scope.view(sum, Shape.of(1, tileElements()));
            contractions.rowDots(flat, flat, scope.rows(terms, MEAN_SQUARES, TERMS));
        }
    }

    /** ‖Σ_n δ_n ⊗ α_n‖² = Σ_nm ⟨δ_n, δ_m⟩ ⟨α_n, α_m⟩. */
    private void multiplyPairs(TensorScope step, Tensor lefts, Tensor rights, Tensor destination) {
        Tensor ofLefts = step.allocate(Shape.of(samples, samples), dtype);
        backend.products().multiply(lefts, false, lefts, true, 1, 0, ofLefts);
        Tensor ofRights = step.allocate(Shape.of(samples, samples), dtype);
        backend.products().multiply(rights, false, rights, true, 1, 0, ofRights);
        Shape flat = Shape.of(1, samples * samples);
        backend.contractions().rowDots(step.view(ofLefts, flat), step.view(ofRights, flat), destination);
    }

    private long tileElements() {
        return sizes.rows() * sizes.columns();
    }

    /** The mean of rows, {@code [1, length]}. */
    private Tensor mean(TensorScope scope, Tensor rows) {
        long length = rows.shape().size(1);
        Tensor mean = scope.allocate(Shape.of(length), dtype);
        backend.reductions().reduce(Reduction.SUM, rows, 0, 1, mean);
        backend.elementwise().affine(mean, 1.0 / samples, 0, mean);
        return scope.view(mean, Shape.of(1, length));
    }

    private Tensor difference(TensorScope scope, Tensor rows, Tensor mean) {
        Tensor difference = scope.allocate(rows.shape(), dtype);
        backend.elementwise().combine(BinaryOperation.SUBTRACT, rows, mean, difference);
        return difference;
    }

    /** Some numbers of one of two rows. */
    private Tensor row(TensorScope scope, Tensor numbers, long row, long from, long to) {
        Tensor flat = scope.view(numbers, Shape.of(2 * samples));
        return scope.rows(flat, row * samples + from, row * samples + to);
    }
}
