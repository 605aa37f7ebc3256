// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * What is made of a node's outputs y {@code [N, *out]}: a number for every unit, {@code *out}, from all samples of a
 * batch. The outputs themselves are not kept. Numbers over all units, and fractions and means, follow in {@link
 * NetworkExtension#finishNetwork}. Counts are numbers of the model's type, exact up to 2²⁴ samples in single precision.
 * A unit with an output that is not a number has no number, except where outputs beyond thresholds are
 * counted: it is not beyond any.
 */
public sealed interface NodeReduction {

    /** How results of parts of the batch become one: {@link MergeRule#SUM} or {@link MergeRule#MAX}. */
    default MergeRule rule() {
        return MergeRule.SUM;
    }

    /**
     * Adds some samples.
     *
     * @param outputs {@code [n, *out]}, n at least 1
     * @param destination {@code *out}: to be added to, or raised where the rule is {@link MergeRule#MAX}
     */
    void add(Backend backend, Tensor outputs, Tensor destination);

    /** Σ_n y_n. */
    record Sum() implements NodeReduction {
        @Override
        public void add(Backend backend, Tensor outputs, Tensor destination) {
            addSum(backend, outputs, 1, 0, destination);
        }
    }

    /** Σ_n y_n². */
    record SumOfSquares() implements NodeReduction {
        @Override
        public void add(Backend backend, Tensor outputs, Tensor destination) {
            try (TensorScope scope = backend.openScope()) {
                Tensor squares = scope.allocate(outputs.shape(), outputs.dtype());
                backend.elementwise().apply(UnaryOperation.SQUARE, outputs, squares);
                addSum(backend, squares, 1, 0, destination);
            }
        }
    }

    /** The number of samples whose output is zero, of either sign. */
    record Zeros() implements NodeReduction {
        @Override
        public void add(Backend backend, Tensor outputs, Tensor destination) {
            try (TensorScope scope = backend.openScope()) {
                Tensor others = scope.allocate(outputs.shape(), outputs.dtype());
                backend.elementwise().apply(UnaryOperation.SIGN, outputs, others);
                backend.elementwise().apply(UnaryOperation.ABS, others, others);
                addSum(backend, others, -1, outputs.shape().size(0), destination);
            }
        }
    }

    /**
     * The number of samples whose output's magnitude is greater than a threshold.
     *
     * @param threshold not negative; compared in the model's type
     */
    record Beyond(double threshold) implements NodeReduction {
        public Beyond {
            if (!(threshold >= 0)) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The threshold is %s, but magnitudes are compared with it: it must be 0 or greater."
                                .formatted(threshold));
            }
        }

        @Override
        public void add(Backend backend, Tensor outputs, Tensor destination) {
            try (TensorScope scope = backend.openScope()) {
                Tensor beyond = scope.allocate(outputs.shape(), outputs.dtype());
                backend.elementwise().apply(UnaryOperation.ABS, outputs, beyond);
                addPositive(backend, beyond, 1, -threshold, destination);
            }
        }
    }

    /**
     * The number of samples whose output is less than one number or greater than another.
     *
     * @param low the least output that is inside; negative infinity for none
     * @param high the greatest one, not below the least; infinity for none. Both are compared in the model's type
     */
    record Outside(double low, double high) implements NodeReduction {
        public Outside {
            if (!(low <= high)) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "Outputs cannot be outside of %s to %s: the first must not be above the second."
                                .formatted(low, high));
            }
        }

        @Override
        public void add(Backend backend, Tensor outputs, Tensor destination) {
            if (low != Double.NEGATIVE_INFINITY) {
                addPositive(backend, outputs, -1, low, destination);
            }
            if (high != Double.POSITIVE_INFINITY) {
                addPositive(backend, outputs, 1, -high, destination);
            }
        }
    }

    /** max_n |y_n|. */
    record GreatestMagnitude() implements NodeReduction {
        @Override
        public MergeRule rule() {
            return MergeRule.MAX;
        }

        @Override
        public void add(Backend backend, Tensor outputs, Tensor destination) {
            try (TensorScope scope = backend.openScope()) {
                Tensor magnitudes = scope.allocate(outputs.shape(), outputs.dtype());
                Tensor greatest = scope.allocate(destination.shape(), destination.dtype());
                backend.elementwise().apply(UnaryOperation.ABS, outputs, magnitudes);
                backend.reductions().reduce(Reduction.MAXIMUM, magnitudes, 0, 1, greatest);
                backend.elementwise().combine(BinaryOperation.MAXIMUM, destination, greatest, destination);
            }
        }
    }

    /** destination += the number of n with scale · x_n + offset > 0, the scale being 1 or −1. */
    private static void addPositive(Backend backend, Tensor x, double scale, double offset, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor positive = scope.allocate(x.shape(), x.dtype());
            // A difference of two numbers is greater than zero exactly if the first is the greater one.
            backend.elementwise().affine(x, scale, offset, positive);
            backend.elementwise().apply(UnaryOperation.POSITIVE, positive, positive);
            addSum(backend, positive, 1, 0, destination);
        }
    }

    /** destination += scale · Σ_n x_n + offset. */
    private static void addSum(Backend backend, Tensor x, double scale, double offset, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor sum = scope.allocate(destination.shape(), destination.dtype());
            backend.reductions().reduce(Reduction.SUM, x, 0, 1, sum);
            backend.elementwise().affine(sum, scale, offset, sum);
            backend.elementwise().addScaled(1, sum, destination);
        }
    }
}
