// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import java.util.function.Consumer;

/**
 * A way to compute a contraction from something far smaller than per-sample gradients.
 *
 * @param computation computes a task. What sums over samples or columns is added to the destination, which is cleared
 *     before where need be
 * @param overwrites whether the computation looks at {@link ContractionTask#accumulate} itself, so that nothing is
 *     cleared before: that would cost large parameters another walk through memory
 * @param cheaperFromTiles whether per-sample gradients that are made anyway are cheaper
 */
public record DirectForm(Consumer<ContractionTask> computation, boolean overwrites, boolean cheaperFromTiles) {

    /** A form that adds to what a destination holds. */
    public static DirectForm adding(Consumer<ContractionTask> computation) {
        return new DirectForm(computation, false, false);
    }

    /** A form that overwrites a destination unless it is told to accumulate. */
    public static DirectForm overwriting(Consumer<ContractionTask> computation) {
        return new DirectForm(computation, true, false);
    }

    /** The same, to be left alone if per-sample gradients are made anyway. */
    public DirectForm unlessTilesAreMade() {
        return new DirectForm(computation, overwrites, true);
    }
}
