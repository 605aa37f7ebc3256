// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.ParameterFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;

/**
 * A model as executors get it: its description and a copy of its numbers at this moment, in the heap. Immutable; a
 * change of the model it was made of does not change it.
 *
 * <pre>{@code
 * SparkModel model = SparkModel.of(trained);
 * SparkModel other = SparkModel.open(
 *         Path.of("model.json"), Path.of("trained.safetensors"), DType.FLOAT32, Shape.of(784));
 * }</pre>
 */
public final class SparkModel implements Serializable {

    private static final long serialVersionUID = 1L;

    private final String id = UUID.randomUUID().toString();
    private final Sendable description;
    private final long[][] inputShapes;
    private final DType dtype;

    /** A float, double or long array each. */
    private final LinkedHashMap<String, Object> numbers;

    private SparkModel(Sendable description, long[][] inputShapes, DType dtype, LinkedHashMap<String, Object> numbers) {
        this.description = description;
        this.inputShapes = inputShapes;
        this.dtype = dtype;
        this.numbers = numbers;
    }

    /**
     * Copies a model with a loss.
     *
     * @throws BackpackException if a module or the loss does not say its arguments, so that it cannot be made elsewhere
     */
    public static SparkModel of(Model model) {
        LinkedHashMap<String, Object> numbers = new LinkedHashMap<>();
        Parameters parameters = model.parameters();
        parameters.names().forEach(name -> numbers.put(name, copy(parameters.get(name))));
        long[][] shapes = model.inputShapes().stream().map(SparkModel::sizes).toArray(long[][]::new);
        return new SparkModel(Sendable.of(model.description()), shapes, model.dtype(), numbers);
    }

    /**
     * Reads a model with a loss, and its numbers.
     *
     * @param model JSON, or a format that a plugin reads
     * @param numbers safetensors, such as {@link ParameterFile#save} writes
     * @param inputShapes the shapes of one sample's inputs
     * @throws BackpackException if a file cannot be read, or they do not fit together
     */
    public static SparkModel open(Path model, Path numbers, DType dtype, Shape... inputShapes) {
        try (BackPack backpack = BackPack.create();
                Model opened = backpack.model(
                        ModelSource.open(backpack.catalog(), model, Optional.empty())
                                .description(),
                        dtype,
                        inputShapes)) {
            ParameterFile.load(numbers, opened);
            return of(opened);
        }
    }

    static long[] sizes(Shape shape) {
        return IntStream.range(0, shape.rank()).mapToLong(shape::size).toArray();
    }

    private static Object copy(Tensor tensor) {
        return switch (tensor.dtype()) {
            case FLOAT32 -> tensor.toFloatArray();
            case FLOAT64 -> tensor.toDoubleArray();
            case INT64 -> tensor.toLongArray();
        };
    }

    /** Name of this copy, by which executors know whether they have it already. */
    String id() {
        return id;
    }

    DType dtype() {
        return dtype;
    }

    /** Makes the model on a backend. The caller closes it. */
    Model on(BackPack backpack, ClassLoader loader) {
        Object described = Objects.requireNonNull(description.value(loader));
        Shape[] shapes = Arrays.stream(inputShapes).map(Shape::of).toArray(Shape[]::new);
        Model model = backpack.model((ModelDescription) described, dtype, shapes);
        boolean done = false;
        try {
            numbers.forEach((name, values) -> model.parameters().set(name, tensor -> write(values, tensor)));
            done = true;
            return model;
        } finally {
            if (!done) {
                model.close();
            }
        }
    }

    private static void write(Object values, Tensor tensor) {
        if (values instanceof float[] floats) {
            tensor.write(0, floats, 0, floats.length);
        } else if (values instanceof double[] doubles) {
            tensor.write(0, doubles, 0, doubles.length);
        } else {
            long[] longs = (long[]) values;
            tensor.write(0, longs, 0, longs.length);
        }
    }
}
