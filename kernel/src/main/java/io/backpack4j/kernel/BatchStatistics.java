// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * Treatment of statistics that modules compute of the whole batch, as batch norms in train mode do, when it
 * differentiates.
 */
public enum BatchStatistics {

    /** They change with the inputs. The gradient is that of the loss; there are no quantities of single samples. */
    DIFFERENTIATED,

    /**
     * They are constants of the batch. Gradients and all other quantities are those of a network that treats samples
     * alone, with the statistics that this batch has: not those of the loss as a function of the batch.
     */
    CONSTANT
}
