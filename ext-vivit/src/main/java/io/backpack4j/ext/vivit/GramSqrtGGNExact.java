// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;
import java.util.Optional;

/**
 * The Gram matrix VᵀV of the GGN's root V, {@code [C·N, C·N]}, the column of class c and sample n having the number c·N
 * + n. V Vᵀ is the GGN of the reduced loss, whose factor stays that of the whole batch if samples are chosen.
 *
 * @param layerwise whether every parameter has a matrix of its own, too
 * @param subsampling the positions in the batch that are taken, from 0 on, repetitions allowed; all if empty
 */
public record GramSqrtGGNExact(boolean layerwise, Optional<List<Integer>> subsampling) implements GramMatrix {

    /** Checks and copies. */
    public GramSqrtGGNExact {
        subsampling = Subsampling.checked("GramSqrtGGNExact", "subsampling", subsampling);
    }

    /** Of all samples and of all parameters together. */
    public GramSqrtGGNExact() {
        this(false, Optional.empty());
    }

    @Override
    public String resultName() {
        return "gram_sqrt_ggn_exact";
    }

    @Override
    public Signal signal() {
        return new LossHessianRoot();
    }
}
