// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/** What modules with several inputs, or with an axis to name, check of their inputs. */
final class Checks {

    private Checks() {}

    static void atLeast(Module module, int count, List<Shape> inputs) {
        if (inputs.size() < count) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes at least %d inputs, but was given %d.".formatted(module.type(), count, inputs.size()));
        }
    }

    static void exactly(Module module, int count, List<Shape> inputs) {
        if (inputs.size() != count) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes %d inputs, but was given %d.".formatted(module.type(), count, inputs.size()));
        }
    }

    /** The shapes of one sample of each. */
    static List<Shape> samples(List<Tensor> inputs) {
        return inputs.stream().map(input -> input.shape().dropFirst(1)).toList();
    }

    /** The axis behind a number that may count from the end, of tensors whose axis 0 is the batch. */
    static int axis(Module module, String argument, long value, Shape sample) {
        int rank = sample.rank() + 1;
        if (value < -rank || value >= rank) {
            throw ModuleChecks.mismatch(
                    module,
                    "has no axis %s = %d: with the batch in front of samples of shape %s, axes go from %d to %d."
                            .formatted(argument, value, sample, -rank, rank - 1));
        }
        return (int) (value < 0 ? value + rank : value);
    }

    /**
     * The axis of one sample behind such a number, {@code shape.size(axis)} of which belongs to every sample.
     *
     * @throws io.backpack4j.spi.BackpackException {@code InvalidArgument} if it is the batch
     */
    static int sampleAxis(Module module, String argument, long value, Shape sample) {
        int axis = axis(module, argument, value, sample);
        if (axis == 0) {
            throw ModuleChecks.invalid(
                    module.type(),
                    argument,
                    value,
                    "an axis behind the batch, which is axis 0; dim=1 is the first axis of a sample");
        }
        return axis - 1;
    }

    /** A shape with one axis less. */
    static Shape without(Shape shape, int axis) {
        return shape.slice(0, axis).append(shape.dropFirst(axis + 1).toArray());
    }
}
