// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/** Numbers for a batch of which shapes alone are known: costs do not depend on them. */
final class StandInBatch {

    private final BackPack backpack;
    private final Model model;
    private final long samples;

    StandInBatch(BackPack backpack, Model model, long samples) {
        this.backpack = backpack;
        this.model = model;
        this.samples = samples;
    }

    /** A batch that the loss takes. The caller closes it. */
    Batch make() {
        Shape output = model.outputShape().prepend(samples);
        Shape classes = output.rank() < 2
                ? output
                : output.slice(0, 1).append(output.dropFirst(2).toArray());
        if (takes(output, classes, DType.INT64)) {
            return inputs().targets(classes, new long[size(classes)]).build();
        }
        if (takes(output, output, model.dtype())) {
            double[] halves = new double[size(output)];
            Arrays.fill(halves, 0.5);
            return inputs().targets(output, halves).build();
        }
        throw new BackpackException(
                CommonProblems.INVALID_OPTION,
                "The loss %s takes neither classes %s nor numbers %s for outputs of shape %s, so that no targets can be made up. Name a data file with --data."
                        .formatted(model.loss().type(), classes, output, output));
    }

    private boolean takes(Shape output, Shape targets, DType dtype) {
        try {
            model.loss().validate(output, targets, dtype);
            return true;
        } catch (BackpackException e) {
            return false;
        }
    }

    private BatchBuilder inputs() {
        BatchBuilder builder = backpack.batch(model.dtype());
        Random random = new Random(0);
        for (int i = 0; i < model.inputShapes().size(); i++) {
            String input = model.graph().inputs().get(i);
            Shape shape = model.inputShapes().get(i).prepend(samples);
            if (takesIntegers(input)) {
                builder.input(input, shape, new long[size(shape)]);
            } else {
                float[] numbers = new float[size(shape)];
                for (int at = 0; at < numbers.length; at++) {
                    numbers[at] = random.nextFloat() - 0.5f;
                }
                builder.input(input, shape, numbers);
            }
        }
        return builder;
    }

    private static int size(Shape shape) {
        long elements = shape.elements();
        if (elements > Integer.MAX_VALUE) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "A tensor of shape %s has %d elements, but %d are the most. Take a smaller --batch or --input-shape."
                            .formatted(shape, elements, Integer.MAX_VALUE));
        }
        return (int) elements;
    }

    private boolean takesIntegers(String input) {
        for (Graph.Node node : model.graph().nodes()) {
            int inputs = node.inputs().size();
            if (IntStream.range(0, inputs)
                    .anyMatch(i ->
                            node.inputs().get(i).equals(input) && node.module().takesIntegers(i, inputs))) {
                return true;
            }
        }
        return false;
    }
}
