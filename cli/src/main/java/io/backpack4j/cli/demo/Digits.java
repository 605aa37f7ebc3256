// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/** Handwritten digits: those that ship with this program, the first of MNIST's training set, or others. */
final class Digits {

    private final IdxFile images;
    private final IdxFile labels;

    Digits() {
        this(ShippedDigits.images(), ShippedDigits.labels());
    }

    /** Images with one label each, from files. */
    Digits(IdxFile images, IdxFile labels) {
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
    }

    int size() {
        return labels.size();
    }

    /** The shape of one image. */
    Shape sample() {
        return images.shape().dropFirst(1);
    }

    /** The first {@code count} digits, pixels from 0 to 1. */
    Batch batch(BackPack backpack, DType dtype, int count) {
        return batch(backpack, dtype, count, sample());
    }

    /** The first {@code count} digits, each in a shape of as many elements. */
    Batch batch(BackPack backpack, DType dtype, int count, Shape each) {
        if (count > size()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "A batch of %d was asked for, but there are %d digits.".formatted(count, size()));
        }
        Shape shape = each.prepend(count);
        float[] pixels = new float[Math.toIntExact(shape.elements())];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = images.value(i) / 255f;
        }
        long[] classes = new long[count];
        for (int i = 0; i < count; i++) {
            classes[i] = labels.value(i);
        }
        return backpack.batch(dtype, pixels, shape, classes);
    }
}
