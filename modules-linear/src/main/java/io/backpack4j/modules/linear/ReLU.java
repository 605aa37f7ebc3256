// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = max(x, 0), with derivative 0 at 0. */
public record ReLU() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.RELU);
    }
}
