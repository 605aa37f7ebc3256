// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import java.util.Arrays;

/** The handwritten digits that ship with the command line, 28 × 28 pixels between 0 and 1. */
final class Digits {

    /** Numbers of one image. */
    static final int SIZE = 28 * 28;

    private Digits() {}

    /** Pixels of the images {@code from} to {@code to}, one image after the other. */
    static float[] pixels(int from, int to) {
        var images = ShippedDigits.images();
        float[] pixels = new float[(to - from) * SIZE];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = images.value(from * SIZE + i) / 255f;
        }
        return pixels;
    }

    static long[] labels(int from, int to) {
        var all = ShippedDigits.labels();
        long[] labels = new long[to - from];
        Arrays.setAll(labels, n -> all.value(from + n));
        return labels;
    }

    /** Samples of shape {@code [1, 28, 28]}. */
    static ArraySource source(int from, int to) {
        return ArraySource.of(Shape.of(1, 28, 28), pixels(from, to), labels(from, to));
    }

    /** A batch {@code [N, 1, 28, 28]}. */
    static Batch batch(BackPack backpack, DType dtype, int from, int to) {
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(to - from, 1, 28, 28), pixels(from, to))
                .targets(Shape.of(to - from), labels(from, to))
                .build();
    }
}
