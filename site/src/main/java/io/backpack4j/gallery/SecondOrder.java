// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.secondorder.BatchDiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KFRA;
import io.backpack4j.ext.secondorder.KroneckerFactors;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Curvature: diagonals, roots and Kronecker factors.
 *
 * <p>One pass computes them all; what several of them need is propagated once. The picture shows, pixel by pixel, how
 * curved the loss is along the first layer's weights, added up over its units.
 */
public final class SecondOrder {

    private SecondOrder() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 16), new Sigmoid(), new Linear(16, 10));
        DiagGGNExact exact = new DiagGGNExact();
        DiagGGNMC sampled = new DiagGGNMC(8);
        DiagHessian hessian = new DiagHessian();
        KFLR kflr = new KFLR();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT32, 0, 64)) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(
                    model,
                    batch,
                    exact,
                    sampled,
                    hessian,
                    kflr,
                    new KFAC(1),
                    new KFRA(),
                    new SqrtGGNExact(),
                    new BatchDiagGGNExact())) {
                results.tensors().forEach((name, tensor) -> System.out.printf("%-32s %s%n", name, tensor.shape()));

                float[] diagonal = results.get(exact, "1.weight").toFloatArray();
                float[] estimate = results.get(sampled, "1.weight").toFloatArray();
                System.out.printf(
                        "trace of the first weight's block: exact %.4f, 8 draws %.4f, Hessian %.4f%n",
                        sum(diagonal),
                        sum(estimate),
                        sum(results.get(hessian, "1.weight").toFloatArray()));
                KroneckerFactors factors = results.get(kflr, "3.weight");
                System.out.println(
                        "KFLR of the last weight: " + factors.output().shape() + " ⊗ "
                                + factors.input().orElseThrow().shape());
                Picture.images(
                        folder.resolve("curvature.svg"),
                        List.of(perPixel(diagonal), perPixel(estimate)),
                        List.of("exact", "8 draws"));
            }
        }
    }

    private static double sum(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).sum();
    }

    /** The sum over the 16 units of {@code [16, 784]}. */
    private static double[] perPixel(float[] values) {
        double[] image = new double[Digits.SIZE];
        Arrays.setAll(
                image,
                i -> IntStream.range(0, 16)
                        .mapToDouble(unit -> values[unit * Digits.SIZE + i])
                        .sum());
        return image;
    }
}
