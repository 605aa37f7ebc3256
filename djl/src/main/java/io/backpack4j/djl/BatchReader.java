// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Copies batches of DJL's: data are the model's inputs in order, the one label its targets. */
record BatchReader(BackPack backpack, Model model) {

    /** How labels are taken. */
    private record Form(Shape shape, DType type) {}

    /**
     * Copies a batch.
     *
     * @param firstId the id of the first sample
     */
    Batch read(ai.djl.training.dataset.Batch batch, long firstId) {
        NDList data = batch.getData();
        List<String> names = model.graph().inputs();
        if (data.size() != names.size() || batch.getLabels().size() != 1) {
            throw new BackpackException(
                    DjlProblems.UNREADABLE_BATCH,
                    "A batch of DJL's has %d arrays of data and %d of labels; the model takes the inputs %s and one of targets. Let the data set give these."
                            .formatted(data.size(), batch.getLabels().size(), names));
        }
        // All arrays are read before the builder takes memory for the first.
        List<Consumer<BatchBuilder>> parts = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            parts.add(input(names.get(i), data.get(i)));
        }
        long samples = samples(batch);
        parts.add(targets(batch.getLabels().get(0), samples));
        BatchBuilder builder = backpack.batch(model.dtype());
        parts.forEach(part -> part.accept(builder));
        return builder.sampleIds(LongStream.range(firstId, firstId + samples).toArray())
                .build();
    }

    /** The number of samples of a batch. */
    static long samples(ai.djl.training.dataset.Batch batch) {
        NDArray first = batch.getData().get(0);
        if (first.getShape().dimension() == 0) {
            throw new BackpackException(
                    DjlProblems.UNREADABLE_BATCH,
                    "The data of a batch of DJL's is a single number. Axis 0 must be that of samples: let the data set stack them.");
        }
        return first.getShape().get(0);
    }

    private Consumer<BatchBuilder> input(String name, NDArray array) {
        String what = "Input '%s' of a batch of DJL's".formatted(name);
        Shape shape = ArrayReader.shape(array);
        if (takesIntegers(name)) {
            long[] values = ArrayReader.integers(array, what);
            return builder -> builder.input(name, shape, values);
        }
        double[] values = ArrayReader.reals(array, what);
        return builder -> builder.input(name, shape, values);
    }

    private boolean takesIntegers(String input) {
        return model.graph().nodes().stream()
                .anyMatch(node -> IntStream.range(0, node.inputs().size())
                        .anyMatch(i -> node.inputs().get(i).equals(input)
                                && node.module().takesIntegers(i, node.inputs().size())));
    }

    private Consumer<BatchBuilder> targets(NDArray labels, long samples) {
        String what = "The label of a batch of DJL's";
        Form form = form(labels, model.outputShape().prepend(samples));
        if (form.type == DType.INT64) {
            long[] values = ArrayReader.integers(labels, what);
            return builder -> builder.targets(form.shape, values);
        }
        double[] values = ArrayReader.reals(labels, what);
        return builder -> builder.targets(form.shape, values);
    }

    /**
     * The first form of labels that the loss takes: as they are, without a last axis of 1, in the shape of the output,
     * which DJL's losses allow; with elements of their own type, then as class indices.
     */
    private Form form(NDArray labels, Shape output) {
        Shape given = ArrayReader.shape(labels);
        List<Shape> shapes = new ArrayList<>(List.of(given));
        if (given.rank() > 1 && given.size(given.rank() - 1) == 1) {
            shapes.add(given.slice(0, given.rank() - 1));
        }
        if (given.elements() == output.elements()) {
            shapes.add(output);
        }
        DType own = ArrayReader.isInteger(labels) ? DType.INT64 : model.dtype();
        for (DType type : List.of(own, DType.INT64)) {
            for (Shape shape : shapes) {
                if (isTaken(output, shape, type)) {
                    return new Form(shape, type);
                }
            }
        }
        return new Form(given, own);
    }

    private boolean isTaken(Shape output, Shape targets, DType type) {
        try {
            model.loss().validate(output, targets, type);
            return true;
        } catch (BackpackException e) {
            return false;
        }
    }
}
