// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ModuleChecks;

/**
 * y = log(1 + exp(β x)) / β, and x where β x is above a threshold.
 *
 * @param beta β, not 0
 * @param threshold the threshold
 */
public record Softplus(double beta, double threshold) implements ActivationModule {

    public Softplus {
        ModuleChecks.finite(type(), "threshold", threshold);
        if (!Double.isFinite(beta) || beta == 0) {
            throw ModuleChecks.invalid(type(), "beta", beta, "a finite number other than 0");
        }
    }

    /** With β = 1 and threshold 20. */
    public Softplus() {
        this(1, 20);
    }

    @Override
    public Activation activation() {
        return new Activation(Activation.Kind.SOFTPLUS, beta, threshold);
    }
}
