// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * First and second derivatives of single samples' losses along eigenvectors of the GGN's blocks: γ_nk = e_kᵀ g_n and
 * λ_nk = e_kᵀ G_n e_k, g_n and G_n being of sample n's own loss as the reduction {@code mean} takes it. The mean of
 * λ_nk over the GGN's samples is the eigenvalue. The eigenvectors are never made.
 *
 * @param root which GGN
 * @param directions which eigenvectors
 * @param gradients the positions in the batch whose gradients are taken, from 0 on, repetitions allowed; all if empty
 */
public record DirectionalDerivatives(GgnRoot root, Directions directions, Optional<List<Integer>> gradients)
        implements NetworkExtension<Map<String, Tensor>, List<DirectionalDerivatives.OfGroup>> {

    /** Checks and copies. */
    public DirectionalDerivatives {
        gradients = Subsampling.checked("DirectionalDerivatives", "subsampling_grad", gradients);
    }

    /** Of the exact GGN of all samples and parameters. */
    public DirectionalDerivatives(Directions directions) {
        this(new GgnRoot(), directions, Optional.empty());
    }

    /**
     * What is known along the eigenvectors of a group.
     *
     * @param gammas slopes, {@code [N_grad, K]}
     * @param lambdas curvatures, {@code [N_ggn, K]}
     */
    public record OfGroup(Tensor gammas, Tensor lambdas) {}

    @Override
    public String resultName() {
        return "directional_derivatives";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        root.declareGram(type(), site);
        root.declareSlopes(type(), site, gradients);
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        return Map.of();
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }

    @Override
    public List<OfGroup> finishNetwork(NetworkPartial partial) {
        return root.groups(partial).stream()
                .map(group -> {
                    KeptDirections kept = KeptDirections.of(type(), directions, group);
                    return new OfGroup(kept.slopes(), kept.uploaded(kept.curvatures()));
                })
                .toList();
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(List<OfGroup> result) {
        Map<String, Tensor> names = new LinkedHashMap<>();
        names.putAll(GgnEigenvalues.numbered(
                "/gammas/", result.stream().map(OfGroup::gammas).toList()));
        names.putAll(GgnEigenvalues.numbered(
                "/lambdas/", result.stream().map(OfGroup::lambdas).toList()));
        return names;
    }

    @Override
    public boolean hasVariableSizes() {
        return directions.areVariable();
    }
}
