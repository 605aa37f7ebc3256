// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Tensors that a run brings for what its extensions declared:
 * {@link io.backpack4j.spi.extension.SiteDeclaration#operand} and
 * {@link io.backpack4j.spi.extension.Extension#networkOperands}. They are the caller's, who keeps them open and as they
 * are until the run has ended.
 *
 * @param tensors operands' names to parameters' to tensors; {@link Operand#NETWORK} stands for the network
 */
public record RunOperands(Map<String, Map<String, Tensor>> tensors) {

    /** No operands. */
    public static final RunOperands NONE = new RunOperands(Map.of());

    public RunOperands {
        Map<String, Map<String, Tensor>> copy = new TreeMap<>();
        tensors.forEach((name, own) -> copy.put(name, Collections.unmodifiableMap(new TreeMap<>(own))));
        tensors = Collections.unmodifiableMap(copy);
    }

    /** These and one of the network. */
    public RunOperands with(String name, Tensor tensor) {
        return with(name, Operand.NETWORK, tensor);
    }

    /** These and one of a parameter. */
    public RunOperands with(String name, String parameter, Tensor tensor) {
        Map<String, Map<String, Tensor>> more = new TreeMap<>(tensors);
        Map<String, Tensor> own = new TreeMap<>(more.getOrDefault(name, Map.of()));
        own.put(parameter, tensor);
        more.put(name, own);
        return new RunOperands(more);
    }

    /** These and those of another. */
    public RunOperands with(RunOperands other) {
        RunOperands all = this;
        for (Map.Entry<String, Map<String, Tensor>> named : other.tensors.entrySet()) {
            for (Map.Entry<String, Tensor> own : named.getValue().entrySet()) {
                all = all.with(named.getKey(), own.getKey(), own.getValue());
            }
        }
        return all;
    }
}
