// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Random;

/** A small network and samples of it. */
final class Networks {

    static final int FEATURES = 6;
    static final int CLASSES = 3;

    private Networks() {}

    static Model mlp(BackPack backpack, DType dtype) {
        Model model = backpack.model(
                Graph.sequential(new Linear(FEATURES, 5), new Tanh(), new Linear(5, CLASSES)),
                new CrossEntropyLoss(),
                dtype,
                Shape.of(FEATURES));
        model.parameters().initialize(1);
        return model;
    }

    /** The features of a sample, a function of its id. */
    static double[] features(long id) {
        return new Random(id).doubles(FEATURES, -1, 1).toArray();
    }

    /** The class of a sample. */
    static long label(long id) {
        return Math.floorMod(id * 7 + id / 3, CLASSES);
    }

    /** A batch of samples. */
    static Batch batch(BackPack backpack, DType dtype, long... ids) {
        double[] inputs = new double[ids.length * FEATURES];
        long[] labels = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            System.arraycopy(features(ids[i]), 0, inputs, i * FEATURES, FEATURES);
            labels[i] = label(ids[i]);
        }
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(ids.length, FEATURES), inputs)
                .targets(Shape.of(ids.length), labels)
                .sampleIds(ids)
                .build();
    }
}
