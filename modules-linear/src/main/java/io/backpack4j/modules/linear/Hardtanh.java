// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ModuleChecks;

/**
 * y = x, but at least one number and at most another.
 *
 * @param minVal the least output
 * @param maxVal the largest output, above the least
 */
public record Hardtanh(double minVal, double maxVal) implements ActivationModule {

    public Hardtanh {
        ModuleChecks.finite(type(), "min_val", minVal);
        ModuleChecks.finite(type(), "max_val", maxVal);
        if (maxVal <= minVal) {
            throw ModuleChecks.invalid(type(), "max_val", maxVal, "above min_val, which is " + minVal);
        }
    }

    /** Between -1 and 1. */
    public Hardtanh() {
        this(-1, 1);
    }

    @Override
    public Activation activation() {
        return new Activation(Activation.Kind.HARDTANH, minVal, maxVal);
    }
}
