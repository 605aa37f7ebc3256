// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/**
 * A contraction whose merged results become fewer numbers.
 *
 * @param source the contraction that is accumulated and merged
 * @param step makes the result of it
 */
public record CondensedContraction(Contraction source, Step step) {

    /** The sum of the elements of a contraction's only result. */
    static CondensedContraction total(Contraction source) {
        return new CondensedContraction(
                source, (backend, merged, result) -> backend.reductions().total(merged.get(0), result));
    }

    /** Makes a result of merged results. */
    public interface Step {
        /** Overwrites {@code result}; the {@code merged} tensors are only read. */
        void condense(Backend backend, List<Tensor> merged, Tensor result);
    }
}
