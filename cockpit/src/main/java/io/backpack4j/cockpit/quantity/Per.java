// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

/** What a quantity has a value for. */
public enum Per {
    /** One for all parameters. */
    NETWORK,
    /** One for each node that owns parameters. */
    LAYER,
    /** One for each parameter. */
    PARAMETER
}
