// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = x, but at least 0 and at most 6. */
public record ReLU6() implements ActivationModule {

    @Override
    public Activation activation() {
        return new Activation(Activation.Kind.HARDTANH, 0, 6);
    }
}
