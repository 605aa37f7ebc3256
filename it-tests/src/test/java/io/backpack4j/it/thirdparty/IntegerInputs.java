// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * A module whose last input holds integers, as one that takes real numbers only: a sample's integers follow from its
 * id. A module that takes nothing else gets an input that it does not read.
 *
 * @param module the module
 * @param integers the shape of one sample's integers
 * @param from the least integer
 * @param to the integer behind the greatest
 */
record IntegerInputs(Module module, Shape integers, int from, int to) implements Module {

    private static final Shape UNREAD = Shape.of(1);

    @Override
    public String type() {
        return module.type();
    }

    @Override
    public IntegerInputs inMode(Mode mode) {
        return new IntegerInputs(module.inMode(mode), integers, from, to);
    }

    private boolean readsNothingElse() {
        return module.takesIntegers(0);
    }

    private List<Shape> shapes(List<Shape> inputs) {
        List<Shape> shapes = new ArrayList<>(readsNothingElse() ? inputs.subList(0, inputs.size() - 1) : inputs);
        shapes.add(integers);
        return shapes;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return module.declare(inputs.isEmpty() ? inputs : shapes(inputs));
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.empty();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        List<Tensor> all = new ArrayList<>(readsNothingElse() ? List.of() : inputs);
        all.add(integers(context));
        Evaluation evaluation = module.evaluate(context, all, parameters);
        return readsNothingElse() ? new Unread(evaluation, context.sampleIds().length) : new Read(evaluation);
    }

    private Tensor integers(EvaluationContext context) {
        long[] ids = context.sampleIds();
        int count = Math.toIntExact(integers.elements());
        long[] numbers = new long[ids.length * count];
        for (int i = 0; i < numbers.length; i++) {
            Random random = new Random(ids[i / count] * 1000 + i % count);
            random.nextInt();
            numbers[i] = (long) from + random.nextInt(to - from);
        }
        Tensor tensor = context.scope().allocate(integers.prepend(ids.length), DType.INT64);
        tensor.write(0, numbers, 0, numbers.length);
        return tensor;
    }

    /** With integers behind the inputs. */
    private record Read(Evaluation evaluation) implements Evaluation {

        @Override
        public Tensor output() {
            return evaluation.output();
        }

        @Override
        public Pullback pullback(EvaluationContext context, Tensor cotangents) {
            return evaluation.pullback(context, cotangents);
        }

        @Override
        public Tensor pushforward(EvaluationContext context, Tangents tangents) {
            return evaluation.pushforward(context, still(tangents));
        }

        @Override
        public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
            return evaluation.pullbackTangent(context, cotangents, still(tangents));
        }

        private static Tangents still(Tangents tangents) {
            List<Optional<Tensor>> inputs = new ArrayList<>(tangents.inputs());
            inputs.add(Optional.empty());
            return new Tangents(tangents.columns(), inputs, tangents.parameters());
        }
    }

    /** With integers alone. */
    private record Unread(Evaluation evaluation, int samples) implements Evaluation {

        @Override
        public Tensor output() {
            return evaluation.output();
        }

        @Override
        public Pullback pullback(EvaluationContext context, Tensor cotangents) {
            Pullback inner = evaluation.pullback(context, cotangents);
            return new Pullback() {
                @Override
                public Tensor input(int index) {
                    return zeros(context, cotangents.shape().size(0), cotangents.dtype());
                }

                @Override
                public ParameterDerivatives parameter(String name) {
                    return inner.parameter(name);
                }
            };
        }

        private Tensor zeros(EvaluationContext context, long columns, DType dtype) {
            Backend backend = context.backend();
            Tensor zeros = context.scope().allocate(UNREAD.prepend(columns, samples), dtype);
            backend.elementwise().fill(zeros, 0);
            return zeros;
        }

        @Override
        public Tensor pushforward(EvaluationContext context, Tangents tangents) {
            if (tangents.parameters().isEmpty()) {
                Tensor zeros = context.scope().allocate(output().shape().prepend(tangents.columns()), output().dtype());
                context.backend().elementwise().fill(zeros, 0);
                return zeros;
            }
            return evaluation.pushforward(context, inner(tangents));
        }

        private static Tangents inner(Tangents tangents) {
            return new Tangents(tangents.columns(), List.of(Optional.empty()), tangents.parameters());
        }

        @Override
        public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
            return evaluation.pullbackTangent(context, cotangents, inner(tangents));
        }

        @Override
        public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
            return evaluation.curvature(context, cotangents);
        }
    }
}
