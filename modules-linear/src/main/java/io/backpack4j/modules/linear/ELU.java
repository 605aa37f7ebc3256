// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ModuleChecks;

/**
 * y = x for x &gt; 0, α · (exp(x) − 1) elsewhere.
 *
 * @param alpha α
 */
public record ELU(double alpha) implements ActivationModule {

    public ELU {
        ModuleChecks.finite(type(), "alpha", alpha);
    }

    /** With α = 1. */
    public ELU() {
        this(1);
    }

    @Override
    public Activation activation() {
        return new Activation(Activation.Kind.ELU, alpha);
    }
}
