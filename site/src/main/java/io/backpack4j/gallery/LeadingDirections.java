// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.vivit.DirectionalDampedNewton;
import io.backpack4j.ext.vivit.DirectionalDerivatives;
import io.backpack4j.ext.vivit.Directions;
import io.backpack4j.ext.vivit.GgnEigenvalues;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.optimizer.Adam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Low-rank curvature: eigenvalues, slopes and a Newton step.
 *
 * <p>640 eigenvalues of a matrix with 12,730² entries, by the Gram matrix of its root. The ten leading directions have
 * a large part of the trace, and a Newton step along them lowers the loss.
 */
public final class LeadingDirections {

    private LeadingDirections() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 16), new Tanh(), new Linear(16, 10));
        GgnEigenvalues spectrum = new GgnEigenvalues();
        Directions leading = Directions.top(10);
        DirectionalDerivatives along = new DirectionalDerivatives(leading);
        DirectionalDampedNewton newton = new DirectionalDampedNewton(leading, 0.1);
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT64, 0, 64)) {
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(2e-3))
                    .batch(32)
                    .epochs(6)
                    .build()
                    .fit(Digits.source(0, 320));
            double before;
            try (Results results = backpack.compute(model, batch, spectrum, along, newton)) {
                double[] evals = results.network(spectrum).get(0).toDoubleArray();
                double trace = Arrays.stream(evals).sum();
                double share =
                        Arrays.stream(evals, evals.length - 10, evals.length).sum() / trace;
                System.out.printf(
                        "%d eigenvalues, the largest %.3f; ten have %.0f %% of the trace%n",
                        evals.length, evals[evals.length - 1], 100 * share);
                System.out.println("slopes of samples along directions "
                        + results.network(along).get(0).gammas().shape());
                double[] logarithms = new double[64];
                Arrays.setAll(logarithms, k -> Math.log10(Math.max(evals[evals.length - 1 - k], 1e-12)));
                Picture.lines(
                        folder.resolve("spectrum.svg"),
                        "eigenvalue, descending",
                        List.of("log₁₀ of the eigenvalue"),
                        List.of(logarithms));
                before = results.loss();
                for (String parameter : model.parameters().trainable()) {
                    double[] step = results.get(newton, parameter).toDoubleArray();
                    double[] values = model.parameters().get(parameter).toDoubleArray();
                    Arrays.setAll(values, i -> values[i] + step[i]);
                    model.parameters().set(parameter, values);
                }
            }
            try (Results after = backpack.compute(model, batch)) {
                System.out.printf("the step takes the loss from %.4f to %.4f%n", before, after.loss());
            }
        }
    }
}
