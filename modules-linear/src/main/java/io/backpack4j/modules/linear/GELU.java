// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ModuleChecks;
import java.util.List;

/**
 * y = x Φ(x), with the distribution function Φ of the standard normal distribution, or an approximation of it.
 *
 * @param approximate {@code none}, or {@code tanh} for Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
 */
public record GELU(String approximate) implements ActivationModule {

    /** The exact function. */
    static final String NONE = "none";

    /** The approximation. */
    static final String TANH = "tanh";

    public GELU {
        if (!List.of(NONE, TANH).contains(approximate)) {
            throw ModuleChecks.invalid(type(), "approximate", "'" + approximate + "'", "'none' or 'tanh'");
        }
    }

    /** Without approximation. */
    public GELU() {
        this(NONE);
    }

    @Override
    public Activation activation() {
        return Activation.of(approximate.equals(TANH) ? Activation.Kind.GELU_TANH : Activation.Kind.GELU);
    }
}
