// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Asks a loss in which form it takes targets: as class indices or as real numbers. */
final class TargetForm {

    private TargetForm() {}

    /**
     * Finds the form.
     *
     * @param output the shape of a sample's output
     * @param dtype the model's type
     * @param whole whether the numbers are whole by their type; class indices are tried first then
     * @param elements how many there are of a sample, -1 if unknown
     * @return the form, empty if the loss takes none
     */
    static Optional<SampleForm.Part> find(Loss loss, Shape output, DType dtype, boolean whole, int elements) {
        SampleForm.Part real = new SampleForm.Part("target", SparkModel.sizes(output), false);
        List<SampleForm.Part> integers = Stream.concat(
                        output.rank() == 0 ? Stream.of() : Stream.of(output.dropFirst(1)), Stream.of(output))
                .map(shape -> new SampleForm.Part("target", SparkModel.sizes(shape), true))
                .toList();
        Stream<SampleForm.Part> inOrder = whole
                ? Stream.concat(integers.stream(), Stream.of(real))
                : Stream.concat(Stream.of(real), integers.stream());
        return inOrder.filter(part -> elements < 0 || part.elements() == elements)
                .filter(part -> takes(loss, output, part, part.integers() ? DType.INT64 : dtype))
                .findFirst();
    }

    private static boolean takes(Loss loss, Shape output, SampleForm.Part part, DType type) {
        try {
            loss.validate(output.prepend(1), Shape.of(part.sizes()).prepend(1), type);
            return true;
        } catch (BackpackException e) {
            return false;
        }
    }
}
