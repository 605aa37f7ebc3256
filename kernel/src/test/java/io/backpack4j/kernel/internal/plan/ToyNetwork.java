// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Curvature;
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
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/** Modules and a loss that are worked out by hand: the loss of u ⊙ (w ⊙ x)² is Σ_j u_j w_j² x_j². */
final class ToyNetwork {

    private ToyNetwork() {}

    /** y = weight ⊙ x. */
    record Scale() implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return ModuleDeclaration.output(inputs.get(0))
                    .parameter(ParameterSpec.parameter("weight", inputs.get(0), new Initializer.Constant(1)))
                    .retainInputs();
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            double[] x = inputs.get(0).toDoubleArray();
            double[] w = parameters.get("weight").toDoubleArray();
            Tensor output = made(context, inputs.get(0).shape(), i -> x[i] * w[i % w.length]);
            return new Evaluation() {
                @Override
                public Tensor output() {
                    return output;
                }

                @Override
                public boolean isAffineInParameters() {
                    return true;
                }

                @Override
                public Optional<Curvature> curvature(EvaluationContext inner, Tensor cotangents) {
                    return Optional.of(Curvature.zero());
                }

                @Override
                public Pullback pullback(EvaluationContext inner, Tensor cotangents) {
                    double[] c = cotangents.toDoubleArray();
                    Tensor ofInput = made(inner, cotangents.shape(), i -> c[i] * w[i % w.length]);
                    return new Pullback() {
                        @Override
                        public Tensor input(int index) {
                            return ofInput;
                        }

                        @Override
                        public ParameterDerivatives parameter(String name) {
                            return new ScaleDerivatives(inner.backend(), cotangents.shape(), c, x);
                        }
                    };
                }
            };
        }
    }

    private static final class ScaleDerivatives extends ParameterDerivatives {

        private final double[] cotangents;
        private final double[] inputs;

        ScaleDerivatives(Backend backend, Shape shape, double[] cotangents, double[] inputs) {
            super(backend, shape.dropFirst(2), DType.FLOAT64, shape.size(0), shape.size(1));
            this.cotangents = cotangents;
            this.inputs = inputs;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            int size = (int) parameter().elements();
            double[] gradients = new double[(int) destination.shape().elements()];
            int next = 0;
            for (long v = block.fromColumn(); v < block.toColumn(); v++) {
                for (long n = block.fromSample(); n < block.toSample(); n++) {
                    for (int j = 0; j < size; j++) {
                        int ofColumn = (int) (v * samples() + n) * size + j;
                        gradients[next++] = cotangents[ofColumn] * inputs[(int) n * size + j];
                    }
                }
            }
            destination.write(0, gradients, 0, gradients.length);
        }
    }

    /** y = x². */
    record Square() implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return ModuleDeclaration.output(inputs.get(0)).retainInputs();
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            double[] x = inputs.get(0).toDoubleArray();
            Tensor output = made(context, inputs.get(0).shape(), i -> x[i] * x[i]);
            return new Evaluation() {
                @Override
                public Tensor output() {
                    return output;
                }

                @Override
                public Optional<Curvature> curvature(EvaluationContext inner, Tensor cotangents) {
                    double[] c = cotangents.toDoubleArray();
                    Shape shape = cotangents.shape().dropFirst(1);
                    return Optional.of(new Curvature.Diagonal(made(inner, shape, i -> 2 * c[i])));
                }

                @Override
                public Pullback pullback(EvaluationContext inner, Tensor cotangents) {
                    double[] c = cotangents.toDoubleArray();
                    Tensor ofInput = made(inner, cotangents.shape(), i -> 2 * c[i] * x[i % x.length]);
                    return index -> ofInput;
                }
            };
        }
    }

    /** The sum of a sample's outputs. */
    record Total() implements Loss {

        @Override
        public void validate(Shape output, Shape targets, DType targetType) {}

        @Override
        public double normaliser(Shape output, Tensor targets) {
            return 1;
        }

        @Override
        public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
            long samples = output.shape().size(0);
            int size = (int) (output.shape().elements() / Math.max(1, samples));
            double[] y = output.toDoubleArray();
            Tensor values = made(context, Shape.of(samples), n -> {
                double sum = 0;
                for (int j = 0; j < size; j++) {
                    sum += y[n * size + j];
                }
                return sum;
            });
            return new LossEvaluation() {
                @Override
                public Tensor values() {
                    return values;
                }

                @Override
                public Tensor gradient() {
                    return made(context, output.shape().prepend(1), i -> normaliser);
                }
            };
        }
    }

    /**
     * The sum of a sample's outputs, with columns in the place of a root of its Hessian, which is zero: any will do to
     * walk back.
     */
    record WithRoot(int columns) implements Loss {

        private static final Total TOTAL = new Total();

        @Override
        public void validate(Shape output, Shape targets, DType targetType) {}

        @Override
        public double normaliser(Shape output, Tensor targets) {
            return TOTAL.normaliser(output, targets);
        }

        @Override
        public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
            LossEvaluation total = TOTAL.evaluate(context, output, targets, normaliser);
            return new LossEvaluation() {
                @Override
                public Tensor values() {
                    return total.values();
                }

                @Override
                public Tensor gradient() {
                    return total.gradient();
                }

                @Override
                public Optional<HessianRoot> hessianRoot() {
                    return Optional.of(new HessianRoot() {
                        @Override
                        public long count() {
                            return columns;
                        }

                        @Override
                        public Tensor columns(long from, long to) {
                            long first = from * output.shape().elements();
                            return made(context, output.shape().prepend(to - from), i -> Math.sin(1 + first + i));
                        }
                    });
                }
            };
        }
    }

    static Tensor made(EvaluationContext context, Shape shape, IntToDoubleFunction element) {
        return made(context.scope(), shape, element);
    }

    static Tensor made(TensorScope scope, Shape shape, IntToDoubleFunction element) {
        double[] values = new double[(int) shape.elements()];
        Arrays.setAll(values, element);
        Tensor tensor = scope.allocate(shape, DType.FLOAT64);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }
}
