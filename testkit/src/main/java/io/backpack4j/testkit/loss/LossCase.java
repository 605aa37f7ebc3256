// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.loss;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/**
 * A loss to be tested, with targets that fit it.
 *
 * @param loss the loss
 * @param output the shape of a network's output, {@code [N, *out]}, with at least two samples
 * @param targetShape the shape of the targets, batch first
 * @param targetType the type of the targets
 * @param targets the targets, row-major
 */
public record LossCase(Loss loss, Shape output, Shape targetShape, DType targetType, double[] targets) {

    /** Real targets of the output's shape. */
    public static LossCase real(Loss loss, Shape output, double... targets) {
        return new LossCase(loss, output, output, DType.FLOAT64, targets);
    }

    /** One class per sample and position, of an output {@code [N, C, *]}. */
    public static LossCase classes(Loss loss, Shape output, double... targets) {
        return new LossCase(loss, output, output.dropFirst(2).prepend(output.size(0)), DType.INT64, targets);
    }

    @Override
    public String toString() {
        return loss + " of " + output;
    }
}
