// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Layer;
import io.backpack4j.spi.module.ParameterSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Descriptions of a network's nodes for those who look at it. */
final class Layers {

    private Layers() {}

    static List<Layer> of(BoundGraph bound) {
        Set<BoundNode.Owner> seen = new HashSet<>();
        return bound.nodes().stream().map(node -> layer(bound, node, seen)).toList();
    }

    private static Layer layer(BoundGraph bound, BoundNode node, Set<BoundNode.Owner> seen) {
        List<Layer.LayerTensor> tensors = new ArrayList<>();
        for (ParameterSpec spec : node.declaration().parameters()) {
            BoundNode.Owner owner = Objects.requireNonNull(node.owners().get(spec.name()));
            Layer.Role role = !seen.add(owner)
                    ? Layer.Role.TIED
                    : !spec.trainable()
                            ? Layer.Role.BUFFER
                            : bound.uses().containsKey(owner.parameter()) ? Layer.Role.TRAINED : Layer.Role.FROZEN;
            tensors.add(new Layer.LayerTensor(spec.name(), owner.parameter(), spec.shape(), role));
        }
        return new Layer(
                node.node().name(),
                node.node().module().type(),
                node.inputs().stream().map(bound::shape).toList(),
                node.declaration().output(),
                tensors);
    }
}
