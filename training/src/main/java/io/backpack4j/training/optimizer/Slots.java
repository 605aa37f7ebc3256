// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.State;
import java.util.LinkedHashMap;
import java.util.Map;

/** A tensor per parameter that an optimiser remembers. */
final class Slots {

    private final String name;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /**
     * Allocates.
     *
     * @param name in checkpoints
     * @param scope owns the tensors
     * @param start every element's first value
     */
    Slots(String name, OptimizerSetup setup, TensorScope scope, double start) {
        this.name = name;
        for (String parameter : setup.parameters()) {
            Tensor of = setup.parameter(parameter);
            Tensor slot = scope.allocate(of.shape(), of.dtype());
            setup.backend().elementwise().fill(slot, start);
            tensors.put(parameter, slot);
        }
    }

    Tensor of(String parameter) {
        Tensor slot = tensors.get(parameter);
        if (slot == null) {
            throw new IllegalArgumentException(parameter);
        }
        return slot;
    }

    void save(State state) {
        State own = state.at(name);
        tensors.forEach(own::put);
    }

    void load(State state) {
        State own = state.at(name);
        tensors.forEach(own::read);
    }
}
