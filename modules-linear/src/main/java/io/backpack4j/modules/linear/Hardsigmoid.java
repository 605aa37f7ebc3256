// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = 0 for x ≤ −3, 1 for x ≥ 3, x / 6 + 1/2 between. */
public record Hardsigmoid() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.HARDSIGMOID);
    }
}
