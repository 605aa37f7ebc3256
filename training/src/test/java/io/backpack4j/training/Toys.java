// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import java.util.Random;

/** Networks and data that take no time. */
public final class Toys {

    private Toys() {}

    /** A line through some points: two inputs, one output. */
    public static Model line(BackPack backpack, DType dtype) {
        Model model = backpack.model(Graph.sequential(new Linear(2, 1)), new MSELoss(), dtype, Shape.of(2));
        model.parameters().initialize(1);
        return model;
    }

    /** A classifier of three classes with a hidden layer. */
    public static Model classifier(BackPack backpack, DType dtype) {
        Graph graph = Graph.sequential(new Linear(4, 5), new Tanh(), new Linear(5, 3));
        Model model = backpack.model(graph, new CrossEntropyLoss(), dtype, Shape.of(4));
        model.parameters().initialize(2);
        return model;
    }

    /** Points whose class is that of the largest of their first three coordinates. */
    public static ArraySource points(int samples, long seed) {
        Random random = new Random(seed);
        double[] inputs = new double[4 * samples];
        long[] classes = new long[samples];
        for (int n = 0; n < samples; n++) {
            for (int i = 0; i < 4; i++) {
                inputs[4 * n + i] = random.nextGaussian();
                classes[n] = i < 3 && inputs[4 * n + i] > inputs[4 * n + (int) classes[n]] ? i : classes[n];
            }
        }
        return ArraySource.of(
                new HostTensor.Doubles(Shape.of(samples, 4), inputs), new HostTensor.Longs(Shape.of(samples), classes));
    }
}
