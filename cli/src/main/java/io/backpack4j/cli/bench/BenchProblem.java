// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.cli.files.ShippedModels;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Random;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The networks that are measured: four of DeepOBS, one that is trained by default, one of Cockpit's, and a small one
 * whose passes are hardly more than calls. Their models are model files.
 */
enum BenchProblem {
    LOGREG("logreg", Shape.of(1, 28, 28), 10),
    CNN_2C2D("2c2d", Shape.of(1, 28, 28), 10),
    CNN_3C3D("3c3d", Shape.of(3, 32, 32), 10),
    ALLCNNC("allcnnc", Shape.of(3, 32, 32), 100),
    MNIST_MLP("mnist_mlp", Shape.of(1, 28, 28), 10),
    MLP("mlp", Shape.of(1, 28, 28), 10),
    LENET("lenet", Shape.of(1, 28, 28), 10);

    private final String id;
    private final Shape sample;
    private final int classes;

    BenchProblem(String id, Shape sample, int classes) {
        this.id = id;
        this.sample = sample;
        this.classes = classes;
    }

    String id() {
        return id;
    }

    Shape sample() {
        return sample;
    }

    ModelDescription model() {
        return ShippedModels.read(id);
    }

    /** Normal inputs and uniform labels. */
    Batch batch(BackPack backpack, DType dtype, int samples, long seed) {
        Random random = new Random(seed);
        Shape shape = sample.prepend(samples);
        float[] inputs = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (float) random.nextGaussian();
        }
        long[] labels = random.ints(samples, 0, classes).asLongStream().toArray();
        return backpack.batch(dtype, inputs, shape, labels);
    }

    /** Reads a problem's name. */
    static final class Converter implements ITypeConverter<BenchProblem> {

        @Override
        public BenchProblem convert(String text) {
            return Arrays.stream(values())
                    .filter(problem -> problem.id.equals(text))
                    .findFirst()
                    .orElseThrow(() -> new TypeConversionException("'" + text + "' is not one of "
                            + Arrays.stream(values()).map(BenchProblem::id).collect(Collectors.joining(", "))));
        }
    }

    /** The names, for completion. */
    static final class Names implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(values()).map(BenchProblem::id).iterator();
        }
    }
}
