// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import java.util.Random;

/** A classifier of four numbers, and data for it. */
final class Networks {

    private Networks() {}

    static Model classifier(BackPack backpack, LossReduction reduction) {
        Graph graph = Graph.sequential(new Linear(4, 5), new Tanh(), new Linear(5, 3));
        Model model = backpack.model(graph, new CrossEntropyLoss(reduction), DType.FLOAT64, Shape.of(4));
        model.parameters().initialize(2);
        return model;
    }

    static ArraySource points(int samples, long seed) {
        Random random = new Random(seed);
        double[] inputs = random.doubles(4L * samples, -2, 2).toArray();
        long[] classes = random.longs(samples, 0, 3).toArray();
        return ArraySource.of(
                new HostTensor.Doubles(Shape.of(samples, 4), inputs), new HostTensor.Longs(Shape.of(samples), classes));
    }
}
