// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import java.util.Map;

/**
 * Images {@code [N, H, W]} and labels {@code [N]} of IDX files, as MNIST has them; bytes stay bytes until they are
 * read.
 */
public final class IdxSource implements DataSource {

    private final IdxFile images;
    private final IdxFile labels;
    private final int size;

    /**
     * Takes images and their labels.
     *
     * @throws BackpackException if there is not one label for each image
     */
    public IdxSource(IdxFile images, IdxFile labels) {
        if (images.shape().rank() < 2
                || labels.shape().rank() != 1
                || images.shape().size(0) != labels.size()) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE,
                    "Images %s and labels %s do not belong together. Name the file of images first, then that of their labels."
                            .formatted(images.shape(), labels.shape()));
        }
        this.images = images;
        this.labels = labels;
        this.size = (int) images.shape().elements(1, images.shape().rank());
    }

    /** The shape of one image. */
    public Shape sample() {
        return images.shape().dropFirst(1);
    }

    @Override
    public long samples() {
        return labels.size();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        float[] pixels = new float[size * numbers.length];
        long[] classes = new long[numbers.length];
        for (int n = 0; n < numbers.length; n++) {
            int number = (int) numbers[n];
            for (int i = 0; i < size; i++) {
                pixels[n * size + i] = images.value(number * size + i);
            }
            classes[n] = labels.value(number);
        }
        return new BatchData(
                Map.of(Graph.INPUT, new HostTensor.Floats(sample().prepend(numbers.length), pixels)),
                new HostTensor.Longs(Shape.of(numbers.length), classes),
                numbers.clone());
    }
}
