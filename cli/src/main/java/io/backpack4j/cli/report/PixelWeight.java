// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.tensor.Shape;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The weight of the first linear or convolutional module that takes the pixels as they are.
 *
 * @param parameter its full name
 * @param rows how many images it has
 * @param size the size of an image that a row is: that of samples, or that of a convolution's window
 * @param kind what a row is
 */
public record PixelWeight(String parameter, long rows, Pixels size, Kind kind) {

    private static final Set<String> TRANSPARENT = Set.of("Flatten", "Identity");

    /** What a row of a weight is. */
    public enum Kind {
        /** What makes one of the model's outputs. */
        OUTPUT,
        /** What makes one input of the next module. */
        UNIT,
        /** What is laid on every place of the picture. */
        FILTER
    }

    /** Finds it: a Linear or a Conv2d, with nothing before it that changes the input's numbers. */
    public static Optional<PixelWeight> of(ModelDescription description, Model model, Pixels pixels) {
        Set<String> unchanged = new HashSet<>(description.inputs());
        String before = description.inputs().get(0);
        List<NodeDescription> nodes = description.nodes();
        String output = description.output().orElse(nodes.get(nodes.size() - 1).name());
        for (NodeDescription node : nodes) {
            List<String> inputs = node.inputs().isEmpty() ? List.of(before) : node.inputs();
            before = node.name();
            if (inputs.size() == 1 && unchanged.contains(inputs.get(0))) {
                if (TRANSPARENT.contains(node.type())) {
                    unchanged.add(node.name());
                } else {
                    String parameter = node.ties().getOrDefault("weight", node.name() + ".weight");
                    return model.parameters().trainable().contains(parameter)
                            ? of(
                                    node,
                                    parameter,
                                    model.parameters().get(parameter).shape(),
                                    pixels,
                                    output)
                            : Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<PixelWeight> of(
            NodeDescription node, String parameter, Shape shape, Pixels pixels, String output) {
        if (node.type().equals("Linear") && shape.rank() == 2 && shape.size(1) == pixels.count()) {
            Kind kind = node.name().equals(output) ? Kind.OUTPUT : Kind.UNIT;
            return Optional.of(new PixelWeight(parameter, shape.size(0), pixels, kind));
        }
        if (node.type().equals("Conv2d") && shape.rank() == 4) {
            return Pixels.of(shape.dropFirst(1))
                    .map(window -> new PixelWeight(parameter, shape.size(0), window, Kind.FILTER));
        }
        return Optional.empty();
    }
}
