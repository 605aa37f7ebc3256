// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * Something costly that is made of what was accumulated over a group of parameters, such as the eigendecomposition of a
 * Gram matrix. Implement as a record: equal derivations of equal groups are made once per pass, for all extensions that
 * ask ({@link NetworkPartial#derived}).
 */
public interface GroupDerivation {

    /**
     * Makes it.
     *
     * @param scope owns what is made; temporary tensors belong into a scope of the derivation's own
     * @param group what was accumulated. Read it
     */
    List<Tensor> derive(Backend backend, TensorScope scope, Tensor group);
}
