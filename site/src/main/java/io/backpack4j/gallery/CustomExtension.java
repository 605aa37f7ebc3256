// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.stream.DoubleStream;

/**
 * A quantity of one's own.
 *
 * <p>An extension names contractions of signals, and makes a result of them: here Σ (g_n − ḡ)², the scatter of a
 * parameter's gradients. It never sees a layer, so it works for all of them, and nothing per sample is stored.
 */
public final class CustomExtension {

    private CustomExtension() {}

    /** Σ (g_n − ḡ)², as the parameter. */
    record GradientScatter() implements TensorExtension {

        @Override
        public String resultName() {
            return "gradient_scatter";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            site.accumulate("moments", new LossGradient(), new Contraction.Moments());
        }

        @Override
        public Tensor finish(SitePartial partial) {
            Tensor squares = partial.centredSquares("moments");
            Tensor result = partial.scope().allocate(squares.shape(), squares.dtype());
            partial.backend().elementwise().copy(squares, result);
            return result;
        }
    }

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 10));
        GradientScatter scatter = new GradientScatter();
        BatchGrad individual = new BatchGrad();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT64, 0, 32)) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(model, batch, scatter, individual)) {
                double[] found = results.get(scatter, "1.bias").toDoubleArray();
                double[] gradients = results.get(individual, "1.bias").toDoubleArray();
                for (int i = 0; i < 10; i++) {
                    int unit = i;
                    double[] ofUnit = DoubleStream.iterate(0, n -> n < 32, n -> n + 1)
                            .map(n -> gradients[(int) n * 10 + unit])
                            .toArray();
                    double mean = DoubleStream.of(ofUnit).average().orElseThrow();
                    double direct = DoubleStream.of(ofUnit)
                            .map(g -> (g - mean) * (g - mean))
                            .sum();
                    System.out.printf("bias %d  %.6e  from individual gradients %.6e%n", i, found[i], direct);
                }
            }
        }
    }
}
