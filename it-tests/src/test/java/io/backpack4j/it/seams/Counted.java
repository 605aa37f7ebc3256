// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A module that notes what is asked of it. */
record Counted(Module module, List<String> notes) implements Module {

    static Counted of(Module module) {
        return new Counted(module, new ArrayList<>());
    }

    @Override
    public String type() {
        return module.type();
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return module.declare(inputs);
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return module.positionAxes(outputAxes, inputs);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Evaluation evaluation = module.evaluate(context, inputs, parameters);
        return new Evaluation() {
            @Override
            public Tensor output() {
                return evaluation.output();
            }

            @Override
            public boolean isAffineInParameters() {
                return evaluation.isAffineInParameters();
            }

            @Override
            public Optional<Curvature> curvature(EvaluationContext second, Tensor cotangents) {
                notes.add("curvature");
                return evaluation.curvature(second, cotangents);
            }

            @Override
            public Pullback pullback(EvaluationContext back, Tensor cotangents) {
                notes.add("pullback of " + cotangents.shape().size(0));
                Pullback pullback = evaluation.pullback(back, cotangents);
                return new Pullback() {
                    @Override
                    public Tensor input(int index) {
                        return pullback.input(index);
                    }

                    @Override
                    public ParameterDerivatives parameter(String name) {
                        return new CountedDerivatives(name, pullback.parameter(name));
                    }
                };
            }
        };
    }

    /** Passes every contraction on. */
    private final class CountedDerivatives extends ParameterDerivatives {

        private final String name;
        private final ParameterDerivatives derivatives;

        CountedDerivatives(String name, ParameterDerivatives derivatives) {
            super(
                    derivatives.backend(),
                    derivatives.parameter(),
                    derivatives.dtype(),
                    derivatives.columns(),
                    derivatives.samples());
            this.name = name;
            this.derivatives = derivatives;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            notes.add(name + " PerSample of " + columns());
            derivatives.perSample(block, destination);
        }

        @Override
        protected Optional<DirectForm> directForm(Contraction contraction) {
            return Optional.of(DirectForm.adding(this::compute));
        }

        private void compute(ContractionTask task) {
            notes.add(name + " " + task.contraction().getClass().getSimpleName() + " of " + columns());
            derivatives.execute(
                    List.of(new ContractionTask(task.contraction(), task.destinations(), task.operand(), true)));
        }
    }
}
