// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/**
 * A quantity of the way from the parameters of a step to those of the next. It stands under the first, and is known
 * behind the second one's pass.
 */
public non-sealed interface TwoStepQuantity extends Quantity {

    /** Whether it needs gradients of samples along the way at both ends. */
    default boolean needsProjections() {
        return false;
    }

    /** Whether it needs the norms of parameters, {@link Transition#squaredNorms}. */
    default boolean needsNorms() {
        return true;
    }

    /** Makes the value for some parameters, in their order. */
    Measurement compute(Transition transition, List<String> parameters);
}
