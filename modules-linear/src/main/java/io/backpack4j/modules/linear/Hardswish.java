// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = 0 for x ≤ −3, x for x ≥ 3, x (x + 3) / 6 between. */
public record Hardswish() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.HARDSWISH);
    }
}
