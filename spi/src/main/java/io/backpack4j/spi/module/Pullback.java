// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Tensor;

/** The transposed Jacobians of a module, applied to V columns of cotangents. */
public interface Pullback {

    /**
     * The cotangents of an input: J_iᵀ · cotangents.
     *
     * @return {@code [V, N, *in_i]} in the pullback's scope; may share memory with the cotangents
     */
    Tensor input(int index);

    /** The contractions of the per-sample gradients of a parameter. */
    default ParameterDerivatives parameter(String name) {
        throw new BackpackException(CommonProblems.UNKNOWN_PARAMETER, "This module has no parameter '" + name + "'.");
    }
}
