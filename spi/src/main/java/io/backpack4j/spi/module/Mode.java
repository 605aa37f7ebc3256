// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/** PyTorch's two modes of a module. */
public enum Mode {

    /**
     * As in training: batch norms normalise with the batch's own statistics and update their buffers, dropouts drop.
     */
    TRAIN,

    /** As in use: batch norms normalise with their buffers, dropouts do nothing, and samples are treated alone. */
    EVAL
}
