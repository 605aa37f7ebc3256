// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Pairs of networks, one with compositions and one written out, with equal numbers. */
abstract class ComposedNetworks {

    static final int N = 5;
    static final int POSITIONS = 3;

    @TempDir
    private static Path folder;

    static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = ComposingPlugin.open(folder);
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static Shape sample(ComposedPair pair, long features) {
        return pair.hasPositions() ? Shape.of(POSITIONS, features) : Shape.of(features);
    }

    static Model model(ComposedPair pair, DType dtype, Graph graph) {
        List<Shape> shapes = new ArrayList<>(List.of(sample(pair, 3)));
        if (pair.hasMask()) {
            shapes.add(Shape.of(ComposedPair.FEATURES));
        }
        return backpack.model(graph, new CrossEntropyLoss(LossReduction.MEAN), dtype, shapes.toArray(Shape[]::new));
    }

    static Batch batch(ComposedPair pair, DType dtype, int from, int to) {
        Random random = new Random(7);
        int size = (int) sample(pair, 3).elements();
        double[] inputs = random.doubles((long) N * size, -1, 1).toArray();
        double[] mask = random.doubles(N * ComposedPair.FEATURES, 0, 2).toArray();
        int targets = pair.hasPositions() ? POSITIONS : 1;
        long[] classes = random.longs((long) N * targets, 0, 3).toArray();
        int count = to - from;
        BatchBuilder builder = backpack.batch(dtype)
                .input("input", sample(pair, 3).prepend(count), Arrays.copyOfRange(inputs, from * size, to * size))
                .sampleIds(LongStream.range(from, to).toArray());
        if (pair.hasMask()) {
            int width = (int) ComposedPair.FEATURES;
            builder.input("mask", Shape.of(count, width), Arrays.copyOfRange(mask, from * width, to * width));
        }
        Shape shape = pair.hasPositions() ? Shape.of(count, POSITIONS) : Shape.of(count);
        return builder.targets(shape, Arrays.copyOfRange(classes, from * targets, to * targets))
                .build();
    }

    /** What two networks have. */
    interface Comparison {
        void accept(Model composed, Model written);
    }

    static void withModels(ComposedPair pair, DType dtype, Comparison comparison) {
        try (Model composed = model(pair, dtype, pair.composed());
                Model written = model(pair, dtype, pair.written())) {
            composed.parameters().initialize(3);
            for (String name : composed.parameters().names()) {
                pair.split(name, composed.parameters().get(name).toDoubleArray())
                        .forEach((block, values) -> written.parameters().set(block, values));
            }
            assertThat(composed.parameters().trainable().stream().flatMap(name -> pair.blocks(name).stream()))
                    .containsExactlyInAnyOrderElementsOf(written.parameters().trainable());
            comparison.accept(composed, written);
        }
        assertThat(backpack.backend().memory().openTensors()).as("open tensors").isZero();
    }

    static void assertClose(DType dtype, String name, double[] actual, double[] expected) {
        assertClose(dtype, name, actual, expected, expected);
    }

    /** The same, relative to the largest of some numbers. */
    static void assertClose(DType dtype, String name, double[] actual, double[] expected, double[] scale) {
        double largest = Arrays.stream(scale).map(Math::abs).max().orElse(0);
        double tolerance = dtype == DType.FLOAT64 ? 1e-13 : 2e-5;
        assertThat(actual).as(name).containsExactly(expected, within(1e-30 + tolerance * largest));
    }
}
