// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;

/**
 * Replaces neighbouring modules by one that computes the same with less work. A plan offers it chains of modules
 * without parameters, each of which reads the one before and nothing else, and nobody else reads what lies between.
 * Where a signal is averaged over the samples at every node, as KFRA's is, nodes stay as they are written.
 */
@FunctionalInterface
@Experimental
public interface Fusion {

    /**
     * A module that does what {@code chain} does, values and derivatives alike.
     *
     * @param chain at least two modules, the first one first
     * @param input the shape of one sample's input of the first
     * @return nothing if there is no such module for exactly this chain
     */
    Optional<Module> fuse(List<Module> chain, Shape input);
}
