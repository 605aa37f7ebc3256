// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.data.ReshapedSource;
import io.backpack4j.training.files.DataSets;
import io.backpack4j.training.files.IdxSource;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Samples of whatever files, as a model takes them: bytes are numbers, and images have the axes that the model wants.
 *
 * @param source the samples
 * @param shapes of one sample's inputs, in the model's order
 * @param opened the data as it was opened
 */
public record SampleData(DataSource source, List<Shape> shapes, DataSets.Opened opened) implements AutoCloseable {

    public SampleData {
        shapes = List.copyOf(shapes);
    }

    /**
     * Opens data.
     *
     * @param names as {@link DataSets#open} takes them; null for the digits that ship with this program
     * @param normalization what bytes become
     * @throws BackpackException if there is no such data, or the model does not take it
     */
    public static SampleData open(
            BackPack backpack, ModelDescription description, @Nullable String names, Normalization normalization) {
        DataSets.Opened opened = names == null ? digits() : DataSets.open(names, description.inputs());
        try {
            if (!opened.areBytes()) {
                return new SampleData(opened.source(), opened.samples(), opened);
            }
            Shape shape =
                    ImageShapes.taken(backpack, description, opened.samples().get(0));
            DataSource numbers = new NormalizedSource(opened.source(), normalization);
            return new SampleData(new ReshapedSource(numbers, shape), List.of(shape), opened);
        } catch (RuntimeException | Error e) {
            opened.source().close();
            throw e;
        }
    }

    /** The digits that ship with this program, as bytes. */
    public static DataSets.Opened digits() {
        return new DataSets.Opened(
                new IdxSource(ShippedDigits.images(), ShippedDigits.labels()),
                List.of(Shape.of(28, 28)),
                true,
                "digits of MNIST's training set");
    }

    /**
     * The first samples as a batch, which the caller closes.
     *
     * @param count how many
     * @throws BackpackException if there are not so many
     */
    public Batch batch(BackPack backpack, DType dtype, int count) {
        long all = source.samples();
        if (count > all) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "A batch of %d was asked for, but there are %d %s. Name fewer with --batch."
                            .formatted(count, all, opened.about()));
        }
        long[] numbers = LongStream.range(0, count).toArray();
        return source.read(numbers, 1).upload(backpack, dtype);
    }

    @Override
    public void close() {
        source.close();
    }
}
