// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

/** Columns that travel back through the network. Equal signals are propagated once. */
public sealed interface Signal permits LossSignal, ResidualCurvature {

    /** The signal's name in reports and messages. */
    String name();

    /** Its degree in the loss's factor c: 1 for gradients, 1/2 for roots of Hessians. */
    double degree();
}
