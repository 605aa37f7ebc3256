// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The eigenvalues of the GGN's blocks, ascending: per group min(C·N_ggn, D) of them, in the order of the groups. All
 * others are zero. Results of the network are a tensor per group.
 *
 * @param root which GGN
 */
public record GgnEigenvalues(GgnRoot root) implements NetworkExtension<Map<String, Tensor>, List<Tensor>> {

    /** Of the exact GGN of all samples and parameters. */
    public GgnEigenvalues() {
        this(new GgnRoot());
    }

    @Override
    public String resultName() {
        return "ggn_evals";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        root.declareGram(type(), site);
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
    public List<Tensor> finishNetwork(NetworkPartial partial) {
        return root.groups(partial).stream()
                .map(group -> {
                    double[] values = group.eigenvalues();
                    return partial.backend().upload(partial.scope(), Shape.of(values.length), partial.dtype(), values);
                })
                .toList();
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(List<Tensor> result) {
        return numbered("", result);
    }

    /** Tensors by the numbers of their groups. */
    static Map<String, Tensor> numbered(String prefix, List<Tensor> tensors) {
        Map<String, Tensor> names = new LinkedHashMap<>();
        for (int group = 0; group < tensors.size(); group++) {
            names.put(prefix + group, tensors.get(group));
        }
        return names;
    }
}
