// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.HostTensor;
import java.util.Arrays;

/** {@link SoftmaxRegression} as a model and data of the library. */
final class SoftmaxNetwork {

    private SoftmaxNetwork() {}

    static Model model(BackPack backpack, double[] theta, LossReduction reduction) {
        Graph graph = Graph.sequential(new Linear(SoftmaxRegression.FEATURES, SoftmaxRegression.CLASSES));
        Model model = backpack.model(
                graph, new CrossEntropyLoss(reduction), DType.FLOAT64, Shape.of(SoftmaxRegression.FEATURES));
        int weights = SoftmaxRegression.FEATURES * SoftmaxRegression.CLASSES;
        model.parameters().set("0.weight", Arrays.copyOf(theta, weights));
        model.parameters().set("0.bias", Arrays.copyOfRange(theta, weights, theta.length));
        return model;
    }

    static DataSource source(SoftmaxRegression data) {
        double[] inputs =
                Arrays.stream(data.inputs).flatMapToDouble(Arrays::stream).toArray();
        return source(inputs, Arrays.stream(data.labels).asLongStream().toArray());
    }

    static DataSource source(double[] inputs, long... labels) {
        return ArraySource.of(
                new HostTensor.Doubles(Shape.of(labels.length, SoftmaxRegression.FEATURES), inputs),
                new HostTensor.Longs(Shape.of(labels.length), labels));
    }
}
