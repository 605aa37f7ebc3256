// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = σ(x) = 1 / (1 + exp(−x)). */
public record Sigmoid() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.SIGMOID);
    }
}
