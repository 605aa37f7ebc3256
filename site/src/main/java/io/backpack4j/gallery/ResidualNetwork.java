// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.AdaptiveAvgPool;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/**
 * A residual network.
 *
 * <p>Nodes name their inputs, and the skip connection is a node with two of them: nothing has to be converted, traced
 * or kept from working in place. Batch norm works as it does in predictions, with the statistics that it has.
 */
public final class ResidualNetwork {

    private ResidualNetwork() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.builder()
                .add("conv1", Conv2d.of(1, 8, 5), Graph.INPUT)
                .add("relu1", new ReLU(), "conv1")
                .add("conv2", Conv2d.of(8, 8, 1), "relu1")
                .add("bn", BatchNorm.of(2, 8, Mode.EVAL), "conv2")
                .add("skip", new Sum(), "bn", "relu1")
                .add("relu2", new ReLU(), "skip")
                .add("pool", AdaptiveAvgPool.of(2, 4, 4), "relu2")
                .add("flatten", new Flatten(), "pool")
                .add("fc", new Linear(128, 10), "flatten")
                .build();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT32, 0, 16)) {
            model.parameters().initialize(0);
            try (Results results =
                    backpack.compute(model, batch, new BatchGrad(), new Variance(), new DiagGGNExact(), new KFAC(1))) {
                System.out.printf("loss %.4f%n", results.loss());
                results.tensors().forEach((name, tensor) -> {
                    if (name.startsWith("conv2") || name.startsWith("bn")) {
                        System.out.printf("%-32s %s%n", name, tensor.shape());
                    }
                });
            }
        }
    }
}
