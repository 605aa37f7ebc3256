// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = x / (1 + |x|). */
public record Softsign() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.SOFTSIGN);
    }
}
