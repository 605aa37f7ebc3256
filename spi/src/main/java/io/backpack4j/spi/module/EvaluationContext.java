// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.TensorScope;

/** Where a module works. Valid during one call, and for as long as what the call returned lives. */
public interface EvaluationContext {

    /** The arithmetic. */
    Backend backend();

    /** Where returned and kept tensors are allocated. Temporary ones belong into a scope of the caller's own. */
    TensorScope scope();

    /** The ids of the N samples; random draws are keyed by them. Not to be changed. */
    long[] sampleIds();

    /** The key of this node's random draws. */
    RandomKey randomKey();
}
