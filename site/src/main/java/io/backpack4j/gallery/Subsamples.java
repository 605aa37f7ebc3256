// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Quantities of some samples of a batch.
 *
 * <p>The gradient is that of all 64 digits, individual gradients and the root of curvature those of three of them. They
 * are not scaled anew: the loss stays the mean over 64.
 */
public final class Subsamples {

    private Subsamples() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 10));
        BatchGrad all = new BatchGrad();
        BatchGrad some = new BatchGrad(List.of(5, 0, 63));
        SqrtGGNExact root = new SqrtGGNExact(List.of(5, 0, 63));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT32, 0, 64)) {
            model.parameters().initialize(0);
            float[] ofAll;
            try (Results results = backpack.compute(model, batch, all)) {
                ofAll = results.get(all, "1.bias").toFloatArray();
                System.out.println("all of them  " + results.get(all, "1.bias").shape());
            }
            try (Results results = backpack.compute(model, batch, some, root)) {
                float[] ofSome = results.get(some, "1.bias").toFloatArray();
                System.out.println("three        " + results.get(some, "1.bias").shape());
                System.out.println("their root   " + results.get(root, "1.bias").shape());
                System.out.println("the first of them is sample 5: "
                        + Arrays.equals(Arrays.copyOf(ofSome, 10), Arrays.copyOfRange(ofAll, 50, 60)));
            }
        }
    }
}
