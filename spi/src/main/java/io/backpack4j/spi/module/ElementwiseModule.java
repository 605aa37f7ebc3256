// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;

/** A module that applies one function to every element. */
public interface ElementwiseModule extends Module {

    /** The function. */
    Activation activation();

    @Override
    default Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.of(outputAxes);
    }
}
