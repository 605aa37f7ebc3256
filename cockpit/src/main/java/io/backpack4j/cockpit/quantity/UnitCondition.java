// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.extension.NodeReduction;

/** What is counted of an activation's outputs, unit by unit. */
sealed interface UnitCondition {

    /** What counts the samples for which a unit is as the condition says. */
    NodeReduction of(Activation activation);

    /** The output is exactly zero. */
    record Zero() implements UnitCondition {
        @Override
        public NodeReduction of(Activation activation) {
            return new NodeReduction.Zeros();
        }
    }

    /**
     * The output is near a bound at which the derivative vanishes: further from the middle between two bounds than a
     * part of half their distance, or beyond that part of a single one. Zero, where rectifiers rest, is no bound.
     *
     * @param threshold the part, from 0 to 1
     */
    record Saturated(double threshold) implements UnitCondition {
        @Override
        public NodeReduction of(Activation activation) {
            return switch (activation.kind()) {
                case SIGMOID, HARDSIGMOID -> between(0, 1);
                case TANH, SOFTSIGN -> new NodeReduction.Beyond(threshold);
                case HARDTANH -> bounded(activation.parameter(), activation.second());
                case ELU -> activation.parameter() > 0 ? above(-activation.parameter()) : nothing();
                case SELU -> above(-Activation.SELU_SCALE * Activation.SELU_ALPHA);
                case RELU, LEAKY_RELU, LOG_SIGMOID, GELU, GELU_TANH, SILU, MISH, SOFTPLUS, HARDSWISH -> nothing();
            };
        }

        private NodeReduction bounded(double low, double high) {
            if (low == 0) {
                return new NodeReduction.Outside(Double.NEGATIVE_INFINITY, threshold * high);
            }
            return high == 0 ? above(low) : between(low, high);
        }

        private NodeReduction between(double low, double high) {
            double middle = low + (high - low) / 2;
            double reach = threshold * (high - low) / 2;
            return new NodeReduction.Outside(middle - reach, middle + reach);
        }

        /** Of a single bound, which is negative. */
        private NodeReduction above(double low) {
            return new NodeReduction.Outside(threshold * low, Double.POSITIVE_INFINITY);
        }

        /** Of an activation without bounds. */
        private static NodeReduction nothing() {
            return new NodeReduction.Outside(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
    }
}
