// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

/** What is taken out at a time. */
public enum Granularity {
    /** One element of a parameter. */
    WEIGHT,
    /**
     * What belongs to one index of the first axis of a parameter with at least two axes: a neuron of a linear layer, a
     * filter of a convolution. Its bias goes with it, if the same layer has a parameter {@code bias} of one number per
     * index.
     */
    ROW
}
