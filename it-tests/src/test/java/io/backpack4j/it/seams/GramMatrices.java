// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gram matrices of gradients and of the GGN's root, of each other too, over the network and per parameter, and the
 * GGN's eigenvalues.
 *
 * @param gradients the positions whose gradients are taken; all if empty
 * @param root those of whose roots columns are taken; all if empty
 */
public record GramMatrices(Optional<List<Integer>> gradients, Optional<List<Integer>> root)
        implements NetworkExtension<Map<String, Tensor>, GramMatrices.Network> {

    private static final LossHessianRoot ROOT = new LossHessianRoot();
    private static final LossGradient GRADIENT = new LossGradient();
    private static final SampledLossGradient SAMPLED = new SampledLossGradient(2);
    private static final List<String> KEYS = List.of("root", "mixed", "gradient", "sampled", "same");

    /** Of all samples. */
    public GramMatrices() {
        this(Optional.empty(), Optional.empty());
    }

    /**
     * What is of the network.
     *
     * @param matrices the matrices by name
     * @param eigenvalues those of {@code root}, ascending
     */
    public record Network(Map<String, Tensor> matrices, Tensor eigenvalues) {}

    @Override
    public String resultName() {
        return "gram";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        declare(site, "root", ROOT, ROOT, new CrossInnerProducts(false, root, root));
        declare(site, "mixed", ROOT, GRADIENT, new CrossInnerProducts(false, root, gradients));
        declare(site, "gradient", GRADIENT, GRADIENT, new CrossInnerProducts(false, gradients, gradients));
        declare(site, "same", GRADIENT, ROOT, new CrossInnerProducts(true, root, root));
        declare(site, "sampled", SAMPLED, GRADIENT, new CrossInnerProducts(false, Optional.empty(), gradients));
    }

    private static void declare(
            SiteDeclaration site, String key, Signal left, Signal right, CrossInnerProducts products) {
        site.accumulate(key, left, right, products);
        site.accumulateInGroup(key, left, right, products);
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        KEYS.forEach(key -> result.put(key, partial.tensor(key)));
        return result;
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }

    @Override
    public Network finishNetwork(NetworkPartial partial) {
        Map<String, Tensor> matrices = new LinkedHashMap<>();
        KEYS.forEach(key -> matrices.put(key, partial.group(key)));
        Tensor gram = partial.group("root");
        long size = gram.shape().size(0);
        Tensor eigenvalues = partial.scope().allocate(Shape.of(size), partial.dtype());
        Tensor vectors = partial.scope().allocate(gram.shape(), partial.dtype());
        partial.backend().decompositions().symmetricEigen(gram, eigenvalues, vectors);
        vectors.close();
        return new Network(matrices, eigenvalues);
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Network result) {
        Map<String, Tensor> exported = new LinkedHashMap<>(result.matrices());
        exported.put("evals", result.eigenvalues());
        return exported;
    }
}
