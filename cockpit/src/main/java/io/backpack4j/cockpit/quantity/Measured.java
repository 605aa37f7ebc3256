// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/**
 * One contraction of one signal, as it is.
 *
 * @param signal whose columns
 * @param contraction with one result
 */
public record Measured(Signal signal, Contraction contraction) implements TensorExtension {

    private static final String KEY = "measured";

    /** Of the loss's gradient. */
    public static Measured ofGradient(Contraction contraction) {
        return new Measured(new LossGradient(), contraction);
    }

    /** ‖g_n‖², {@code [1, N]}. */
    public static Measured squaredNorms() {
        return ofGradient(new Contraction.SquaredNorms());
    }

    /** ⟨g_n, Σ_m g_m⟩, {@code [1, N]}. */
    public static Measured dotsWithSum() {
        return ofGradient(new Contraction.DotWithSum());
    }

    /** Σ_n ‖g_n − ḡ‖², a scalar. */
    public static Measured spread() {
        return ofGradient(new Contraction.CentredSquaredNorm());
    }

    @Override
    public String resultName() {
        return contraction.getClass().getSimpleName();
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, signal, contraction);
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }
}
