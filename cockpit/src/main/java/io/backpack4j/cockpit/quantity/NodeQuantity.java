// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.List;

/** A quantity of the outputs of nodes rather than of parameters: its layers are nodes. */
public interface NodeQuantity extends SingleStepQuantity {

    @Override
    default Per defaultPer() {
        return Per.LAYER;
    }

    /** The nodes that it is for, in the order of the network, behind the pass that observed them. */
    List<String> nodes(Observation step);

    /** Makes the value for some of these nodes. */
    @Override
    Measurement compute(Observation step, List<String> nodes);
}
