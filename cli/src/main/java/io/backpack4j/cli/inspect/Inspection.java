// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.Layer;
import io.backpack4j.kernel.Plan;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What was found out.
 *
 * @param model the model file
 * @param backend the backend's id
 * @param dtype the type of the elements
 * @param samples of the batch
 * @param layers the nodes
 * @param gradient the cost of the gradient alone
 * @param quantities what works
 * @param extensions what was asked for beside the gradient
 * @param plan of the request
 * @param cost of the request
 * @param modelBytes what parameters and buffers take
 * @param batchBytes what inputs and targets take
 */
record Inspection(
        String model,
        String backend,
        String dtype,
        long samples,
        List<Layer> layers,
        Cost gradient,
        Quantities quantities,
        List<String> extensions,
        Plan plan,
        Cost cost,
        long modelBytes,
        long batchBytes) {

    /** Trained parameters and frozen ones. */
    long parameters() {
        return layers.stream().mapToLong(Layer::parameterElements).sum();
    }

    /** Operations of one sample on the way forward, by node. Nodes that are fused have the chain's at its first. */
    Map<String, Double> forwardOperations() {
        return gradient.nodes().stream()
                .collect(Collectors.toMap(
                        node -> node.node().split("\\+")[0], node -> node.forwardOperations() / samples, Double::sum));
    }

    /** What the results of the request take. */
    long resultBytes() {
        return plan.results().values().stream()
                .mapToLong(type -> type.shape().elements() * type.dtype().bytes())
                .sum();
    }
}
