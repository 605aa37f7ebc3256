// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;

/** A quantity that needs the same of every pass whose step is due, and keeps nothing. */
interface SingleStepQuantityOfGradients extends SingleStepQuantity {

    /** What the pass computes. */
    List<Extension<?>> needed();

    @Override
    default List<Extension<?>> extensions(long step, boolean due) {
        return due ? needed() : List.of();
    }
}
