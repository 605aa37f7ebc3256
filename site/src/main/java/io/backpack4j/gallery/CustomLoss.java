// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Random;

/**
 * A loss of one's own.
 *
 * <p>The negative log-likelihood of counts, exp(f) − y f. Values and gradient are enough for everything of first order;
 * a loss that also gives a root of its Hessian, as the shipped ones do, has curvature, too.
 */
public final class CustomLoss {

    private CustomLoss() {}

    /** The mean of exp(f) − y f over all elements. */
    record Counts() implements Loss {

        @Override
        public void validate(Shape output, Shape targets, DType targetType) {
            if (!output.equals(targets)) {
                throw new IllegalArgumentException("Counts needs targets of shape " + output + ".");
            }
        }

        @Override
        public double normaliser(Shape output, Tensor targets) {
            return 1.0 / output.elements();
        }

        @Override
        public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
            var ops = context.backend().elementwise();
            Shape shape = output.shape();
            return new LossEvaluation() {
                @Override
                public Tensor values() {
                    Tensor values = context.scope().allocate(shape.slice(0, 1), output.dtype());
                    try (var scope = context.backend().openScope()) {
                        Tensor rates = scope.allocate(shape, output.dtype());
                        Tensor products = scope.allocate(shape, output.dtype());
                        ops.apply(UnaryOperation.EXP, output, rates);
                        ops.combine(BinaryOperation.MULTIPLY, targets, output, products);
                        ops.combine(BinaryOperation.SUBTRACT, rates, products, rates);
                        context.backend().reductions().reduce(Reduction.SUM, rates, 1, shape.rank(), values);
                    }
                    return values;
                }

                @Override
                public Tensor gradient() {
                    Tensor gradient = context.scope().allocate(shape.prepend(1), output.dtype());
                    try (var scope = context.backend().openScope()) {
                        Tensor flat = scope.view(gradient, shape);
                        ops.apply(UnaryOperation.EXP, output, flat);
                        ops.combine(BinaryOperation.SUBTRACT, flat, targets, flat);
                    }
                    ops.affine(gradient, normaliser, 0, gradient);
                    return gradient;
                }
            };
        }
    }

    public static void main(String[] arguments) {
        Random random = new Random(0);
        double[] inputs = random.doubles(64 * 3, -1, 1).toArray();
        double[] counts = random.ints(64, 0, 6).asDoubleStream().toArray();
        Graph graph = Graph.sequential(new Linear(3, 8), new Tanh(), new Linear(8, 1));
        BatchL2Grad norms = new BatchL2Grad();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new Counts(), DType.FLOAT64, Shape.of(3));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(64, 3), inputs)
                        .targets(Shape.of(64, 1), counts)
                        .build()) {
            model.parameters().initialize(0);
            for (int step = 0; step <= 200; step++) {
                try (Results results = backpack.compute(model, batch, norms, new Variance())) {
                    if (step % 50 == 0) {
                        double longest = java.util.Arrays.stream(
                                        results.get(norms, "2.weight").toDoubleArray())
                                .max()
                                .orElseThrow();
                        System.out.printf(
                                "step %3d  loss %.4f  longest gradient² %.2e%n", step, results.loss(), longest);
                    }
                    for (String parameter : model.parameters().trainable()) {
                        double[] gradient = results.gradient(parameter).toDoubleArray();
                        double[] values = model.parameters().get(parameter).toDoubleArray();
                        java.util.Arrays.setAll(values, i -> values[i] - 0.05 * gradient[i]);
                        model.parameters().set(parameter, values);
                    }
                }
            }
        }
    }
}
