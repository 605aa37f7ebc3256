// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import io.backpack4j.spi.tensor.Shape;
import java.util.Optional;
import java.util.stream.IntStream;

/** Where the elements of rows are. */
final class Rows {

    private Rows() {}

    /** Whether a parameter is made of rows that can be taken out. */
    static boolean has(Shape shape) {
        return shape.rank() >= 2;
    }

    /** The row-major positions of the elements of a row. */
    static int[] elements(Shape shape, int row) {
        int size = Math.toIntExact(shape.elements() / shape.size(0));
        return IntStream.range(row * size, (row + 1) * size).toArray();
    }

    /** The bias that belongs to a weight, if there is one with a number per row. */
    static Optional<String> bias(FittedCurvature fitted, String parameter) {
        int dot = parameter.lastIndexOf('.');
        String bias = parameter.substring(0, dot + 1) + "bias";
        boolean fits = !bias.equals(parameter)
                && fitted.parameters().contains(bias)
                && fitted.shape(bias).equals(Shape.of(fitted.shape(parameter).size(0)));
        return fits ? Optional.of(bias) : Optional.empty();
    }
}
