// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;

/**
 * y = s · (max(x, 0) + min(0, α · (exp(x) − 1))), s and α being {@link Activation#SELU_SCALE} and
 * {@link Activation#SELU_ALPHA}.
 */
public record SELU() implements ActivationModule {

    @Override
    public Activation activation() {
        return Activation.of(Activation.Kind.SELU);
    }
}
