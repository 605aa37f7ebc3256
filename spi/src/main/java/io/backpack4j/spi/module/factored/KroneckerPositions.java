// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.module.KroneckerConvention;

/** What a convention does with S positions. */
record KroneckerPositions(KroneckerConvention convention, long positions) {

    /** Whether the input side sums over positions before it multiplies. */
    boolean sumsInputs() {
        return convention == KroneckerConvention.REDUCE;
    }

    /** The factor of the input side's sum: 1/S, 1/S² or 1. */
    double inputScale() {
        double count = Math.max(1, positions);
        return switch (convention) {
            case EXPAND -> 1 / count;
            case REDUCE -> 1 / (count * count);
            case BACKPACK -> 1;
        };
    }

    /** Whether the output side sums over positions before it multiplies. */
    boolean sumsOutputs() {
        return convention != KroneckerConvention.EXPAND;
    }
}
