// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.spi.module.ParameterSpec;

/** Knows which parameters of the network a module's are. */
interface ParameterOwners {

    /** Finds where the numbers of a parameter or buffer of the module lie. Asked once for each. */
    BoundNode.Owner owner(ParameterSpec own);
}
