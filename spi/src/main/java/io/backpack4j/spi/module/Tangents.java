// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Directions in which a module's inputs and parameters move, V of them at once.
 *
 * @param columns V
 * @param inputs per input {@code [V, N, *in_i]}; empty for one that stands still
 * @param parameters by name {@code [V, *p]}; those that stand still are not there
 */
public record Tangents(long columns, List<Optional<Tensor>> inputs, Map<String, Tensor> parameters) {

    public Tangents {
        inputs = List.copyOf(inputs);
        parameters = Map.copyOf(parameters);
    }

    /** The direction of an input, empty if it stands still. */
    public Optional<Tensor> input(int index) {
        return inputs.get(index);
    }

    /** The direction of a parameter, empty if it stands still. */
    public Optional<Tensor> parameter(String name) {
        return Optional.ofNullable(parameters.get(name));
    }
}
