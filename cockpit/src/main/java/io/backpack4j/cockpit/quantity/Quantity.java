// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

/**
 * Something that is tracked. It may keep numbers from step to step, so that every cockpit has instances of its own.
 * Belongs to the thread of its cockpit.
 */
public sealed interface Quantity permits SingleStepQuantity, TwoStepQuantity {

    /** What it has a value for unless somebody asks for something else. */
    default Per defaultPer() {
        return Per.NETWORK;
    }

    /** Whether it is of parameters, so that there may be one for every layer. */
    default boolean isOfParameters() {
        return true;
    }
}
