// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.tensor.Tensor;

/**
 * What was made of the outputs of one node for one extension. Tensors are shared with other extensions that asked for
 * the same: read them.
 */
public interface NodePartial {

    /** The node. */
    ObservedNode node();

    /** What a reduction made of the whole batch, {@code *out}, by the key of {@link Extension#observe}. */
    Tensor tensor(String key);
}
