// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** How networks take images. */
public final class ImageShapes {

    private ImageShapes() {}

    /**
     * The shape in which a network takes an image: as it is, {@code [1, H, W]} if it is {@code [H, W]}, or as one axis;
     * whatever the network takes first.
     *
     * @throws BackpackException if it takes none, with what is wrong with the image as it is
     */
    public static Shape taken(BackPack backpack, ModelDescription description, Shape image) {
        Graph graph = backpack.catalog().graph(description);
        List<Shape> possible = new ArrayList<>(List.of(image));
        if (image.rank() == 2) {
            possible.add(image.prepend(1));
        }
        possible.add(Shape.of(image.elements()));
        BackpackException first = null;
        for (Shape shape : possible) {
            try {
                backpack.parameters(graph, shape);
                return shape;
            } catch (BackpackException e) {
                first = first == null ? e : first;
            }
        }
        throw Objects.requireNonNull(first);
    }
}
