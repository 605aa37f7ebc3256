// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/** y = log σ(x) = min(x, 0) − log(1 + exp(−|x|)). */
public record LogSigmoid() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.LOG_SIGMOID);
    }
}
