// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.CombinedColumns;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Eigenvectors of the GGN's blocks, {@code [K, *p]} for every parameter, orthonormal over the parameters of a group.
 * Results of the network are their eigenvalues {@code [K]}, a tensor per group, in the order of the vectors. The sign
 * of a vector is that which makes the first of its Gram vector's entries of largest magnitude positive; of equal
 * eigenvalues any orthonormal basis may come out.
 *
 * @param root which GGN
 * @param directions which eigenvectors
 */
public record GgnEigenvectors(GgnRoot root, Directions directions) implements NetworkExtension<Tensor, List<Tensor>> {

    private static final String KEY = "vectors";
    private static final String EIGENVALUES = "eigenvalues/";

    /** Of the exact GGN of all samples and parameters. */
    public GgnEigenvectors(Directions directions) {
        this(new GgnRoot(), directions);
    }

    @Override
    public String resultName() {
        return "ggn_evecs";
    }

    @Override
    public int stages() {
        return 2;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        if (stage == 1) {
            root.declareGram(type(), site);
        } else {
            declareColumns(root, this, KEY, site);
        }
    }

    /** Asks for what combinations of the root's columns make of a parameter. */
    static void declareColumns(GgnRoot root, Object owner, String key, SiteDeclaration site) {
        if (root.groups().of(site.parameter()).isPresent()) {
            Operand weights = new Operand(owner, root.weights(site.parameter()));
            site.accumulate(key, new CombinedColumns(root.signal(), weights), new Contraction.Sum());
        }
    }

    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        Map<String, Tensor> folded = new HashMap<>();
        if (stage == 1) {
            for (Group group : root.groups(partial)) {
                KeptDirections kept = KeptDirections.of(type(), directions, group);
                folded.put(group.weights(), kept.weights());
                Tensor eigenvalues = partial.backend()
                        .upload(partial.scope(), Shape.of(kept.count()), partial.dtype(), kept.eigenvalues());
                folded.put(EIGENVALUES + group.name(), eigenvalues);
            }
        }
        return folded;
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }

    @Override
    public Map<String, Tensor> export(Tensor result) {
        return Map.of("", result);
    }

    @Override
    public List<Tensor> finishNetwork(NetworkPartial partial) {
        return root.groups(partial).stream()
                .map(group -> partial.folded(EIGENVALUES + group.name()))
                .toList();
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(List<Tensor> result) {
        return GgnEigenvalues.numbered("/ggn_evecs_evals/", result);
    }

    @Override
    public boolean hasVariableSizes() {
        return directions.areVariable();
    }
}
