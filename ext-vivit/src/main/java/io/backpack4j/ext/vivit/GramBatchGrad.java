// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;

/**
 * The inner products of individual gradients, ⟨g_n, g_m⟩, {@code [N, N]}, with the loss's factor in them as in {@code
 * BatchGrad}.
 *
 * @param layerwise whether every parameter has a matrix of its own, too
 */
public record GramBatchGrad(boolean layerwise) implements GramMatrix {

    /** Of all parameters together. */
    public GramBatchGrad() {
        this(false);
    }

    @Override
    public String resultName() {
        return "gram_batch_grad";
    }

    @Override
    public Signal signal() {
        return new LossGradient();
    }
}
