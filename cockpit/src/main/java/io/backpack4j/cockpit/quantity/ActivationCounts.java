// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.NodePartial;
import io.backpack4j.spi.extension.NodeReduction;
import io.backpack4j.spi.extension.ObservedNode;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.ElementwiseModule;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * For every unit of every activation, the number of samples that meet a condition: by node, {@code *out}.
 *
 * @param condition the condition
 */
record ActivationCounts(UnitCondition condition) implements NetworkExtension<Map<String, Tensor>, Map<String, Tensor>> {

    private static final String KEY = "samples";

    @Override
    public String resultName() {
        return "activation_counts";
    }

    @Override
    public Map<String, NodeReduction> observe(ObservedNode node) {
        return node.module() instanceof ElementwiseModule module
                ? Map.of(KEY, condition.of(module.activation()))
                : Map.of();
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {}

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        return Map.of();
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return Map.of();
    }

    @Override
    public Map<String, Tensor> finishNetwork(NetworkPartial partial) {
        Map<String, Tensor> counts = new LinkedHashMap<>();
        for (NodePartial node : partial.nodes()) {
            counts.put(node.node().name(), node.tensor(KEY));
        }
        return counts;
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Map<String, Tensor> result) {
        return result;
    }
}
