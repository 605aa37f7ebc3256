// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A module of one's own.
 *
 * <p>y = weight ⊙ x, with a trained number for every element. A module says its shapes, its output, what comes back for
 * a cotangent, and its per-sample gradients; every quantity follows from these. The program compares the gradient
 * with a difference quotient. The <a href="../guide/write-a-plugin.html">guide</a> puts such a module into a jar.
 */
public final class CustomModule {

    private CustomModule() {}

    /** The module. */
    record ElementScale() implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            Shape shape = inputs.get(0);
            return ModuleDeclaration.output(shape)
                    .parameter(ParameterSpec.parameter("weight", shape, new Initializer.Constant(2)))
                    .retainInputs();
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            Tensor x = inputs.get(0);
            Tensor weight = parameters.get("weight");
            return new Evaluated(x, weight, product(context, x, weight));
        }

        static Tensor product(EvaluationContext context, Tensor a, Tensor b) {
            Tensor result = context.scope().allocate(a.shape(), a.dtype());
            context.backend().elementwise().combine(BinaryOperation.MULTIPLY, a, b, result);
            return result;
        }
    }

    /** What goes back through it: cotangents {@code [V, N, *out]}. */
    record Evaluated(Tensor x, Tensor weight, Tensor output) implements Evaluation {

        @Override
        public Pullback pullback(EvaluationContext context, Tensor cotangents) {
            return new Pullback() {
                @Override
                public Tensor input(int index) {
                    return ElementScale.product(context, cotangents, weight);
                }

                @Override
                public ParameterDerivatives parameter(String name) {
                    return derivatives(context, cotangents);
                }
            };
        }

        private ParameterDerivatives derivatives(EvaluationContext context, Tensor cotangents) {
            Shape shape = cotangents.shape();
            Tensor gradients = ElementScale.product(context, cotangents, x);
            return new ParameterDerivatives(
                    context.backend(), weight.shape(), x.dtype(), shape.size(0), shape.size(1)) {
                @Override
                public void perSample(Block block, Tensor destination) {
                    Region region = Region.all(shape)
                            .with(0, block.fromColumn(), block.columns())
                            .with(1, block.fromSample(), block.samples());
                    backend().indexing().extract(gradients, region, destination);
                }
            };
        }
    }

    public static void main(String[] arguments) {
        Graph graph = Graph.builder()
                .add(new Flatten())
                .add(new ElementScale())
                .add(new Linear(784, 10))
                .build();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT64, 0, 16)) {
            model.parameters().initialize(0);
            int pixel = 14 * 28 + 14;
            double derivative;
            try (Results results = backpack.compute(model, batch, new BatchGrad(), new DiagGGNExact())) {
                results.tensors().forEach((name, tensor) -> {
                    if (name.startsWith("1.")) {
                        System.out.printf("%-24s %s%n", name, tensor.shape());
                    }
                });
                derivative = results.gradient("1.weight").toDoubleArray()[pixel];
            }
            double step = 1e-5;
            double quotient = (loss(backpack, model, batch, pixel, step) - loss(backpack, model, batch, pixel, -step))
                    / (2 * step);
            System.out.printf("derivative %.8f, difference quotient %.8f%n", derivative, quotient);
            System.out.println("they agree: " + (Math.abs(derivative - quotient) < 1e-8));
        }
    }

    private static double loss(BackPack backpack, Model model, Batch batch, int pixel, double step) {
        double[] weight = model.parameters().get("1.weight").toDoubleArray();
        double[] changed = weight.clone();
        changed[pixel] += step;
        model.parameters().set("1.weight", changed);
        try (Results results = backpack.compute(model, batch)) {
            return results.loss();
        } finally {
            model.parameters().set("1.weight", weight);
        }
    }
}
