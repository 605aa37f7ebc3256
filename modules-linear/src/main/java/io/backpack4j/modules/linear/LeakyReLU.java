// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ModuleChecks;

/**
 * y = x for x &gt; 0, slope · x elsewhere.
 *
 * @param negativeSlope the slope
 */
public record LeakyReLU(double negativeSlope) implements ActivationModule {

    public LeakyReLU {
        ModuleChecks.finite(type(), "negative_slope", negativeSlope);
    }

    /** With slope 0.01. */
    public LeakyReLU() {
        this(0.01);
    }

    @Override
    public Activation activation() {
        return new Activation(Activation.Kind.LEAKY_RELU, negativeSlope);
    }
}
