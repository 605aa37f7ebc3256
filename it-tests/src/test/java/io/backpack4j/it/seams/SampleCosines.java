// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * Inner products of every sample's gradient with the columns of its own root, over the network: they merge over
 * samples.
 */
public record SampleCosines() implements NetworkExtension<Map<String, Tensor>, Tensor> {

    @Override
    public String resultName() {
        return "cosines";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        var products = new CrossInnerProducts(true);
        site.accumulate("own", new LossGradient(), new LossHessianRoot(), products);
        site.accumulateInGroup("all", new LossGradient(), new LossHessianRoot(), products);
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        return Map.of("", partial.tensor("own"));
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }

    @Override
    public Tensor finishNetwork(NetworkPartial partial) {
        return partial.group("all");
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Tensor result) {
        return Map.of("", result);
    }
}
