// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;
import java.util.Optional;

/**
 * The Gram matrix of a Monte-Carlo root of the GGN, {@code [M·N, M·N]}, M being the number of draws; see {@link
 * GramSqrtGGNExact}.
 *
 * @param mcSamples M
 * @param layerwise whether every parameter has a matrix of its own, too
 * @param subsampling the positions in the batch that are taken, from 0 on, repetitions allowed; all if empty
 */
public record GramSqrtGGNMC(int mcSamples, boolean layerwise, Optional<List<Integer>> subsampling)
        implements GramMatrix {

    /** Checks and copies. */
    public GramSqrtGGNMC {
        mcSamples = new SampledLossGradient(mcSamples).samples();
        subsampling = Subsampling.checked("GramSqrtGGNMC", "subsampling", subsampling);
    }

    /** Of all samples and of all parameters together. */
    public GramSqrtGGNMC(int mcSamples) {
        this(mcSamples, false, Optional.empty());
    }

    @Override
    public String resultName() {
        return "gram_sqrt_ggn_mc";
    }

    @Override
    public Signal signal() {
        return new SampledLossGradient(mcSamples);
    }
}
